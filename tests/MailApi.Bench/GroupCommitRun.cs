using System.Globalization;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;
using MassTransit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Bench;

/// <summary>
/// What group commit gains: so many accepts at a time through one <see cref="Acceptor"/>, which batches them, against as many acceptors
/// with one message each in hand, which makes a transaction of every message. Same code, same store, same concurrency, taking turns.
/// </summary>
internal static class GroupCommitRun
{
    private const int Turns = 3;

    public static async Task<int> Run(Arguments arguments)
    {
        var (messages, concurrent) = (arguments.Number("messages", 4000), arguments.Number("concurrent", 64));
        using var directory = new TempDirectory();
        await using var postgreSql = arguments.Mode == Mode.Distributed ? await PostgreSqlServer.StartAsync(CancellationToken.None) : null;
        var options = postgreSql is null ? new StoreOptions() : new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = postgreSql.ConnectionString() };
        Store.Migrate(options, directory.Path);
        using var db = Store.Open(options, directory.Path, TimeProvider.System);

        await Accept(db, messages / 4, concurrent, acceptors: 1); // code and caches
        List<double> batched = [], single = [];
        for (var turn = 0; turn < Turns; turn++)
        {
            batched.Add(await Accept(db, messages, concurrent, acceptors: 1));
            single.Add(await Accept(db, messages, concurrent, acceptors: concurrent));
        }
        var (with, without) = (batched.Order().ElementAt(Turns / 2), single.Order().ElementAt(Turns / 2));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"group-commit --mode {arguments.Mode} --concurrent {concurrent}: batched {with:0} msg/s, one transaction a message {without:0} msg/s, ratio {with / without:0.0} (medians of {Turns}; load average {Machine.Load})"));
        return 0;
    }

    /// <summary>Messages a second.</summary>
    private static async Task<double> Accept(Db db, int messages, int concurrent, int acceptors)
    {
        var bus = MassTransit.Bus.Factory.CreateUsingInMemory(_ => { });
        using var ringer = new Ringer(db, bus, category => new Uri("queue:" + Doorbell.QueueName(category)), TimeProvider.System, NullLogger<Ringer>.Instance);
        var all = Enumerable.Range(0, acceptors).Select(_ => new Acceptor(db, new Window(TimeProvider.System), new Suspensions(db), ringer, new RecentMessages(0))).ToList();
        var (tenant, next, start) = (PrefixedId.New<TenantId>(), 0, TimeProvider.System.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, concurrent).Select(index => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) <= messages)
                if (await all[index % acceptors].Accept(NewMessage(tenant)) is not AcceptResult.Committed) throw new InvalidOperationException("It was not committed.");
        })));
        var elapsed = TimeProvider.System.GetElapsedTime(start);
        foreach (var acceptor in all) await acceptor.DisposeAsync();
        return messages / elapsed.TotalSeconds;
    }

    private static Acceptance NewMessage(TenantId tenant)
    {
        var id = PrefixedId.New<MessageId>();
        return new Acceptance
        {
            Id = id,
            Tenant = tenant,
            DomainId = PrefixedId.New<DomainId>(),
            Domain = "mail.shop.example",
            Category = Category.Notification,
            Test = false,
            Sender = "Shop <orders@mail.shop.example>",
            Subject = "Order 1001",
            Tags = ["shipping"],
            Metadata = new Dictionary<string, string> { ["order"] = "1001" },
            OnUncertain = OnUncertain.Retry,
            Content = new byte[5 * 1024],
            Envelopes = [new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), "ann@example.net", "example.net", NeedsSmtpUtf8: false)],
            SendAt = null,
            Lifetime = TimeSpan.FromHours(24),
            Idempotency = null,
            Response = "{}",
        };
    }
}
