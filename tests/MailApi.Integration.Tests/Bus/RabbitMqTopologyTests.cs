using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Integration.Tests.Bus;

/// <summary>What the program declares on a real RabbitMQ, and what it does when a queue is gone.</summary>
public sealed class RabbitMqTopologyTests(SharedServers servers) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory directory = new();
    private readonly string virtualHost = $"t{Guid.NewGuid():N}";
    private WebApplication app = null!;
    private RabbitMqServer rabbit = null!;

    public async ValueTask InitializeAsync()
    {
        rabbit = await servers.RabbitMq;
        await rabbit.ControlAsync(CancellationToken.None, "add_vhost", virtualHost);
        await rabbit.ControlAsync(CancellationToken.None, "set_permissions", "-p", virtualHost, RabbitMqServer.User, ".*", ".*", ".*");
        var postgreSql = await servers.PostgreSql;
        app = MailApiHost.Build(
        [
            "--Urls=http://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={directory.Path}", "--Admin:Key=operator-key-of-the-tests-0123456789abcdef",
            "--Store:Provider=PostgreSql", $"--Store:ConnectionString={postgreSql.ConnectionString(await postgreSql.CreateDatabaseAsync(CancellationToken.None))}",
            "--Bus:Transport=RabbitMq", $"--Bus:RabbitMq={new UriBuilder(rabbit.Uri) { Path = virtualHost }.Uri}",
            "--Limits:Backend=Redis", $"--Limits:Redis={(await servers.Redis).ConnectionString}",
        ]);
        await app.StartAsync();
        await Eventually.HoldsAsync(async () => (await Queues()).Count >= 4, Patience, "the queues are declared", CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task Each_category_has_a_quorum_queue_with_a_delivery_limit_and_a_dead_letter_exchange()
    {
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
        await rabbit.ControlAsync(CancellationToken.None, "delete_queue", "--vhost", virtualHost, "deliver-notification");
        var services = app.Services;
        var db = services.GetRequiredService<Db>();
        await using var spool = new Spool.SpoolUnderTest(db);
        var message = await spool.Accept(Api.PrefixedId.New<Api.TenantId>());
        services.GetRequiredService<Ringer>().Ring(Api.Category.Notification, new DoorbellEntry(message.Envelopes[0].Id.Value, 0, message.Tenant.Value));

        // Either it came back and its envelope is due at once, or the consumer declared its queue anew and the doorbell arrived.
        await Eventually.HoldsAsync(async () => (await db.Query(
            "select state, due_at - now_ms() from envelopes where id = @id", row => row.GetString(0) != "rung" || row.GetInt64(1) <= Ringer.Pause.TotalMilliseconds,
            CancellationToken.None, ("id", message.Envelopes[0].Id.Value)))[0], Patience, "the envelope is claimed, or due again", CancellationToken.None);
    }

    private async Task<IReadOnlyList<string>> Queues() =>
        (await rabbit.ControlAsync(CancellationToken.None, "list_queues", "--vhost", virtualHost, "--quiet", "--no-table-headers", "name", "type", "arguments"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
