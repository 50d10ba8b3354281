using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailApi.Testing;

/// <summary>What a Postfix asks about each recipient (its SMTPD_POLICY protocol): refuses those that begin with <c>greylisted</c> for the first two times.</summary>
public sealed class Greylist : IAsyncDisposable
{
    public const int Refusals = 2;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, int> refused = new();
    private readonly Task accepting;

    public Greylist()
    {
        listener.Start();
        accepting = Accept();
    }

    /// <summary>In <c>smtpd_recipient_restrictions</c>.</summary>
    public string Restriction => $"check_policy_service inet:{listener.LocalEndpoint}";

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        await accepting;
    }

    private async Task Accept()
    {
        var sessions = new List<Task>();
        try
        {
            while (true) sessions.Add(Serve(await listener.AcceptTcpClientAsync()));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
        await Task.WhenAll(sessions);
    }

    /// <summary>A request is lines of <c>name=value</c> up to an empty one.</summary>
    private async Task Serve(TcpClient client)
    {
        using (client)
        using (var reader = new StreamReader(client.GetStream()))
        await using (var writer = new StreamWriter(client.GetStream()) { AutoFlush = true })
        {
            var recipient = "";
            try
            {
                while (await reader.ReadLineAsync() is { } line)
                {
                    if (line.StartsWith("recipient=", StringComparison.Ordinal)) recipient = line["recipient=".Length..];
                    if (line.Length > 0) continue;
                    var isRefused = recipient.StartsWith("greylisted", StringComparison.Ordinal) && refused.AddOrUpdate(recipient, 1, (_, times) => times + 1) <= Refusals;
                    await writer.WriteAsync(isRefused ? "action=451 4.7.1 Greylisted, come back later\n\n" : "action=dunno\n\n");
                }
            }
            catch (IOException)
            {
                // Postfix was stopped in the middle.
            }
        }
    }
}
