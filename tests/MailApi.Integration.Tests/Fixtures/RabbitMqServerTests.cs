using MailApi.Testing;
using RabbitMQ.Client;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class RabbitMqServerTests
{
    private static readonly Dictionary<string, object?> Quorum = new() { ["x-queue-type"] = "quorum" };
    private static readonly CreateChannelOptions Confirmed = new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);

    [Fact]
    public async Task Keeps_confirmed_messages_over_a_stop_and_a_kill_and_loses_them_when_wiped()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await RabbitMqServer.StartAsync(ct);
        await PublishAsync(server, ct);

        await server.StopAsync();
        await server.StartAgainAsync(ct);
        Assert.Equal(1u, await CountAsync(server, ct));

        await server.KillAsync();
        await server.StartAgainAsync(ct);
        Assert.Equal(1u, await CountAsync(server, ct));
        Assert.Contains("bell", await server.ControlAsync(ct, "list_queues", "-p", RabbitMqServer.User, "name"), StringComparison.Ordinal);

        await server.WipeAsync();
        await server.StartAgainAsync(ct);
        Assert.Equal(0u, await CountAsync(server, ct));
    }

    private static async Task PublishAsync(RabbitMqServer server, CancellationToken ct)
    {
        await using var connection = await ConnectAsync(server, ct);
        await using var channel = await connection.CreateChannelAsync(Confirmed, ct);
        await channel.QueueDeclareAsync("bell", durable: true, exclusive: false, autoDelete: false, Quorum, cancellationToken: ct);
        await channel.BasicPublishAsync("", "bell", mandatory: true, new BasicProperties { Persistent = true }, "ding"u8.ToArray(), ct);
    }

    private static async Task<uint> CountAsync(RabbitMqServer server, CancellationToken ct)
    {
        await using var connection = await ConnectAsync(server, ct);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        await channel.QueueDeclareAsync("bell", durable: true, exclusive: false, autoDelete: false, Quorum, cancellationToken: ct);
        // A quorum queue that has just been recovered counts its messages a moment later than it answers.
        var message = await channel.BasicGetAsync("bell", autoAck: false, ct);
        return message is null ? 0 : message.MessageCount + 1;
    }

    private static Task<IConnection> ConnectAsync(RabbitMqServer server, CancellationToken ct) =>
        new ConnectionFactory { Uri = new Uri(server.Uri), AutomaticRecoveryEnabled = false }.CreateConnectionAsync(ct);
}
