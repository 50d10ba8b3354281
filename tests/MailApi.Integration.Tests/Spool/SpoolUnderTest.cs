using MailApi.Api;
using MailApi.Events;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Suppressions;
using MassTransit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Spool;

/// <summary>The spool's parts over one store, as one node has them; doorbells stay in the ringer, so the test plays the bus.</summary>
internal sealed class SpoolUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(12);

    public SpoolUnderTest(Db db)
    {
        Db = db;
        var options = new SpoolOptions { Lease = Lease, BusIsInProcess = true };
        Node = new Node(db, options, Clock, NullLogger<Node>.Instance);
        Suspensions = new Suspensions(db);
        var bus = MassTransit.Bus.Factory.CreateUsingInMemory(_ => { });
        Ringer = new Ringer(db, bus, category => new Uri("queue:" + Doorbell.QueueName(category)), TimeProvider.System, NullLogger<Ringer>.Instance);
        var recent = new RecentMessages(RecentMessages.BytesMaxDefault);
        Acceptor = new Acceptor(db, Window, Suspensions, Ringer, recent);
        Claims = new Claims(db, Node, options, claim => SuppressionList.Entries(claim.Tenant, claim.Recipient, claim.Category, claim.Topic), Window, recent, Clock);
        Records = new Records(db, Window, (_, envelope, _, _) => [new Statement("select @id", ("id", envelope.Value))], () => { });
        Returns = new Returns(
            db, (tenant, envelope, recipient, verdict) => verdict.SuppressesAddress ? [SuppressionList.Add(tenant, recipient, null, SuppressionReason.HardBounce, $"envelope {envelope}")] : [],
            (tenant, envelope, recipient) => SuppressionList.Add(tenant, recipient, null, SuppressionReason.Complaint, $"envelope {envelope}"), () => { });
        Sweeper = new Sweeper(db, Node, Window, Suspensions, Ringer, options, TimeProvider.System, NullLogger<Sweeper>.Instance);
        Messages = new Messages(db, () => { });
        HeldMail = new HeldMail(db, () => { });
        Flushes = new Flushes(db);
    }

    public Db Db { get; }

    /// <summary>This node's own, which goes on while it stands still.</summary>
    public NodeClock Clock { get; } = new();
    public Window Window { get; } = new(TimeProvider.System);
    public Node Node { get; }
    public Suspensions Suspensions { get; }
    public Ringer Ringer { get; }
    public Acceptor Acceptor { get; }
    public Claims Claims { get; }
    public Records Records { get; }
    public Returns Returns { get; }
    public Sweeper Sweeper { get; }
    public Messages Messages { get; }
    public HeldMail HeldMail { get; }
    public Flushes Flushes { get; }

    /// <summary>Accepts a message to so many recipients; answers it.</summary>
    public async Task<Acceptance> Accept(
        TenantId tenant, int recipients = 1, Category category = Category.Notification, DateTimeOffset? sendAt = null, TimeSpan? lifetime = null,
        OnUncertain onUncertain = OnUncertain.Retry, string? key = null, byte bodyHash = 0)
    {
        var acceptance = NewAcceptance(tenant, recipients, category, sendAt, lifetime, onUncertain, key, bodyHash);
        var result = await Acceptor.Accept(acceptance);
        Assert.IsType<AcceptResult.Committed>(result);
        return acceptance;
    }

    public static Acceptance NewAcceptance(
        TenantId tenant, int recipients = 1, Category category = Category.Notification, DateTimeOffset? sendAt = null, TimeSpan? lifetime = null,
        OnUncertain onUncertain = OnUncertain.Retry, string? key = null, byte bodyHash = 0)
    {
        var id = PrefixedId.New<MessageId>();
        return new Acceptance
        {
            Id = id,
            Tenant = tenant,
            DomainId = PrefixedId.New<DomainId>(),
            Domain = "mail.shop.example",
            Category = category,
            Test = false,
            Sender = "Shop <orders@mail.shop.example>",
            Subject = "Order 1001",
            Tags = ["shipping"],
            Metadata = new Dictionary<string, string> { ["order"] = "1001" },
            OnUncertain = onUncertain,
            Content = "Subject: Order 1001\r\n\r\nThank you.\r\n"u8.ToArray(),
            Envelopes = [.. Enumerable.Range(0, recipients).Select(index =>
                new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), $"ann{index}@example.net", "example.net", NeedsSmtpUtf8: false))],
            SendAt = sendAt,
            Lifetime = lifetime ?? TimeSpan.FromHours(24),
            Idempotency = key is null ? null : new IdempotencyKey(key, [bodyHash]),
            Response = $$"""{"id":"{{id}}"}""",
        };
    }

    public Task<Claim?> Claim(Acceptance message, int attempt = 0, int envelope = 0) =>
        Claims.Claim(new DoorbellEntry(message.Envelopes[envelope].Id.Value, attempt, message.Tenant.Value), CancellationToken.None);

    public async Task<RecipientView> Recipient(Acceptance message) => (await Find(message)).Recipients[0];

    public async Task<MessageSummary> Find(Acceptance message) => (await Messages.Find(message.Tenant, message.Id, CancellationToken.None))!;

    public async Task<EventType[]> Events(Acceptance message) => [.. (await Find(message)).Events!.Select(it => it.Type)];

    /// <summary>Envelopes by stored state, rung ones told apart.</summary>
    public async Task<int> Count(EnvelopeState state, TenantId tenant) => (await Db.Query(
        "select count(*) from envelopes where state = @state and tenant_id = @tenant", row => row.GetInt32(0), CancellationToken.None,
        ("state", state.ToText()), ("tenant", tenant.Value)))[0];

    /// <summary>Makes every lease run out and every wait end, as time would.</summary>
    public Task PassTime() => Db.Execute("update envelopes set due_at = 0 where state in ('queued', 'deferred', 'sending', 'rung')", CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Acceptor.DisposeAsync();
        await Claims.DisposeAsync();
        await Records.DisposeAsync();
        await Returns.DisposeAsync();
        Ringer.Dispose();
        Sweeper.Dispose();
        Node.Dispose();
    }

    public sealed class NodeClock : TimeProvider
    {
        public TimeSpan Passed { get; set; }

        public override long GetTimestamp() => System.GetTimestamp() + (long)(Passed.TotalSeconds * TimestampFrequency);
    }
}
