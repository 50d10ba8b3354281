using System.Text;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;

namespace MailApi.Integration.Tests.Bus;

/// <summary>What the program declares on a real RabbitMQ, and what it does when a queue is gone or the broker silent.</summary>
public sealed class RabbitMqTopologyTests(SharedServers servers) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory directory = new();
    private readonly string virtualHost = $"t{Guid.NewGuid():N}";
    private WebApplication app = null!;
    private RabbitMqServer rabbit = null!;
    private TcpProxy way = null!;

    public async ValueTask InitializeAsync()
    {
        rabbit = await servers.RabbitMq;
        way = TcpProxy.Start(rabbit.Port);
        await rabbit.ControlAsync(CancellationToken.None, "add_vhost", virtualHost);
        await rabbit.ControlAsync(CancellationToken.None, "set_permissions", "-p", virtualHost, RabbitMqServer.User, ".*", ".*", ".*");
    }

    public async ValueTask DisposeAsync()
    {
        way.Release();
        await app.StopAsync();
        await app.DisposeAsync();
        await way.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task Each_category_has_a_quorum_queue_with_a_delivery_limit_and_a_dead_letter_exchange()
    {
        await Start();
        var queues = await Queues();
        foreach (var name in new[] { "deliver-marketing", "deliver-notification", "deliver-support" })
        {
            var queue = Assert.Single(queues, line => line.StartsWith(name + "\t", StringComparison.Ordinal));
            Assert.Contains("\tquorum\t", queue, StringComparison.Ordinal);
            Assert.Contains("\"x-delivery-limit\",20", queue, StringComparison.Ordinal);
            Assert.Contains("\"x-dead-letter-exchange\",\"deliver-dead\"", queue, StringComparison.Ordinal);
        }
        Assert.Contains(queues, line => line.StartsWith("deliver-dead\tquorum", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_doorbell_that_no_queue_takes_is_known_to_be_lost_and_rung_again()
    {
        // Who does not deliver declares no queue.
        await Start("Api");
        await using var spool = new Spool.SpoolUnderTest(Db);
        var message = await spool.Accept(Api.PrefixedId.New<Api.TenantId>());

        Ring(message);

        await Eventually.HoldsAsync(() => IsRungInVain(message), Patience, "the envelope is due again", CancellationToken.None);
    }

    [Fact]
    public async Task When_its_queue_is_deleted_a_doorbell_is_claimed_or_rung_again()
    {
        await Start();
        await rabbit.ControlAsync(CancellationToken.None, "delete_queue", "--vhost", virtualHost, "deliver-notification");
        await using var spool = new Spool.SpoolUnderTest(Db);
        var message = await spool.Accept(Api.PrefixedId.New<Api.TenantId>());

        Ring(message);

        // Either it came back and its envelope is due at once, or the consumer declared its queue anew and the doorbell arrived.
        await Eventually.HoldsAsync(async () => await IsClaimed(message) || await IsRungInVain(message), Patience, "the envelope is claimed, or due again", CancellationToken.None);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_doorbell_that_the_broker_does_not_confirm_is_given_up_at_its_deadline_and_rung_again()
    {
        await Start();
        await using var spool = new Spool.SpoolUnderTest(Db);
        var (before, during) = (await spool.Accept(Api.PrefixedId.New<Api.TenantId>()), await spool.Accept(Api.PrefixedId.New<Api.TenantId>()));
        Ring(before);
        await Eventually.HoldsAsync(() => IsClaimed(before), Patience, "doorbells arrive", CancellationToken.None);

        way.HoldToClient();
        var start = TimeProvider.System.GetTimestamp();
        Ring(during);

        await Eventually.HoldsAsync(() => IsRungInVain(during), Patience, "the envelope is due again", CancellationToken.None);
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.FromSeconds(10), Patience);
    }

    [Fact]
    public async Task A_doorbell_that_comes_back_unacknowledged_after_20_deliveries_more_goes_to_the_dead_letters()
    {
        await Start();
        await app.StopAsync();
        await using var connection = await new ConnectionFactory { Uri = new UriBuilder(rabbit.Uri) { Path = virtualHost }.Uri }.CreateConnectionAsync(CancellationToken.None);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), CancellationToken.None);
        await channel.BasicPublishAsync("deliver-support", "", mandatory: true, "poison"u8.ToArray(), CancellationToken.None);

        var deliveries = 0;
        BasicGetResult? dead = null;
        await Eventually.HoldsAsync(async () =>
        {
            if (await channel.BasicGetAsync("deliver-support", autoAck: false, CancellationToken.None) is { } delivered)
            {
                deliveries++;
                await channel.BasicNackAsync(delivered.DeliveryTag, multiple: false, requeue: true, CancellationToken.None);
            }
            dead = await channel.BasicGetAsync("deliver-dead", autoAck: true, CancellationToken.None);
            return dead is not null;
        }, Patience, "it is among the dead letters", CancellationToken.None);

        Assert.Equal(21, deliveries);
        Assert.Equal("poison", Encoding.ASCII.GetString(dead!.Body.Span));
        Assert.Equal(("deliver-support", "delivery_limit"), (Header("x-first-death-queue"), Header("x-first-death-reason")));

        string Header(string name) => Encoding.ASCII.GetString((byte[])dead.BasicProperties.Headers![name]!);
    }

    private Db Db => app.Services.GetRequiredService<Db>();

    /// <summary>Starts the program over <see cref="way"/>, and waits for the queues of one that delivers.</summary>
    private async Task Start(string roles = "All")
    {
        var postgreSql = await servers.PostgreSql;
        app = MailApiHost.Build(
        [
            "--Urls=http://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={directory.Path}", "--Admin:Key=operator-key-of-the-tests-0123456789abcdef",
            $"--Roles={roles}", $"--Secrets:KeyEncryptionKey={Convert.ToBase64String(new byte[Vault.KeyBytes])}",
            "--Store:Provider=PostgreSql", $"--Store:ConnectionString={postgreSql.ConnectionString(await postgreSql.CreateDatabaseAsync(CancellationToken.None))}",
            "--Bus:Transport=RabbitMq", $"--Bus:RabbitMq={new UriBuilder(rabbit.Uri) { Port = way.Port, Path = virtualHost }.Uri}",
            "--Limits:Backend=Redis", $"--Limits:Redis={(await servers.Redis).ConnectionString}",
        ]);
        await app.StartAsync();
        if (roles == "All") await Eventually.HoldsAsync(async () => (await Queues()).Count >= 4, Patience, "the queues are declared", CancellationToken.None);
    }

    private void Ring(Acceptance message) =>
        app.Services.GetRequiredService<Ringer>().Ring(message.Category, new DoorbellEntry(message.Envelopes[0].Id.Value, 0, message.Tenant.Value));

    /// <summary>Due as soon as after a doorbell that was not sent, not as late as after one that was.</summary>
    private async Task<bool> IsRungInVain(Acceptance message) => await Is(message, $"state = 'rung' and due_at - now_ms() <= {Ringer.Pause.TotalMilliseconds}");

    private async Task<bool> IsClaimed(Acceptance message) => await Is(message, "state <> 'rung'");

    private async Task<bool> Is(Acceptance message, string condition) =>
        (await Db.Query($"select {condition} from envelopes where id = @id", row => row.GetBoolean(0), CancellationToken.None, ("id", message.Envelopes[0].Id.Value)))[0];

    private async Task<IReadOnlyList<string>> Queues() =>
        (await rabbit.ControlAsync(CancellationToken.None, "list_queues", "--vhost", virtualHost, "--quiet", "--no-table-headers", "name", "type", "arguments"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
