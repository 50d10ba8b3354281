using MailApi.Testing;
using Npgsql;

namespace MailApi.Proof.Faults;

/// <summary>Puts a proxy between the nodes and one of their peers, before they start.</summary>
internal static class Ways
{
    private const string Store = "Store__ConnectionString";

    public static TcpProxy ToStore(Stand stand)
    {
        (var proxy, stand.Settings[Store]) = ToStoreOf(stand);
        return proxy;
    }

    /// <summary>Of one node alone.</summary>
    public static TcpProxy ToStore(Stand stand, int node)
    {
        (var proxy, stand.OwnSettings[(node, Store)]) = ToStoreOf(stand);
        return proxy;
    }

    public static TcpProxy ToBroker(Stand stand)
    {
        var proxy = stand.Keep(TcpProxy.Start(stand.Servers!.RabbitMq.Port));
        stand.Settings["Bus__RabbitMq"] = new UriBuilder(stand.Settings["Bus__RabbitMq"]) { Port = proxy.Port }.Uri.AbsoluteUri;
        return proxy;
    }

    public static TcpProxy ToCounters(Stand stand)
    {
        var proxy = stand.Keep(TcpProxy.Start(stand.Servers!.Redis.Port));
        stand.Settings["Limits__Redis"] = $"127.0.0.1:{proxy.Port}";
        return proxy;
    }

    /// <summary>Silent with its connections open, then slow for a while, then well.</summary>
    public static async Task BeSilentThenSlow(this TcpProxy way, TimeSpan silence, TimeSpan latency, CancellationToken ct)
    {
        way.Hold();
        await Task.Delay(silence, TimeProvider.System, ct);
        way.Release();
        way.Latency = latency;
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, ct);
        way.Latency = TimeSpan.Zero;
    }

    public static TcpProxy ToReceivers(Stand stand)
    {
        var proxy = stand.Keep(TcpProxy.Start(stand.Sink.Port));
        stand.Settings["Delivery__MxPort"] = $"{proxy.Port}";
        return proxy;
    }

    private static (TcpProxy Proxy, string Setting) ToStoreOf(Stand stand)
    {
        var proxy = stand.Keep(TcpProxy.Start(stand.Servers!.PostgreSql.Port));
        return (proxy, new NpgsqlConnectionStringBuilder(stand.Settings[Store]) { Port = proxy.Port }.ToString());
    }
}
