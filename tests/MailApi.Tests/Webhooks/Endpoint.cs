using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace MailApi.Tests.Webhooks;

/// <summary>A request as it came over the wire, header names in lower case.</summary>
internal sealed record Received(string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public bool Verifies(string secret, DateTimeOffset now) =>
        StandardWebhooks.Verify(secret, Headers["webhook-id"], Headers["webhook-timestamp"], Headers["webhook-signature"], Body, now);
}

/// <summary>A webhook receiver on loopback that answers in raw octets, so that it can misbehave in every way.</summary>
internal sealed class Endpoint : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<Received> received = Channel.CreateBounded<Received>(1_000);
    private readonly TaskCompletionSource dropped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<Received, Stream, CancellationToken, Task> answer;
    private readonly Func<Stream, Task<Stream>> secure;
    private readonly Task accepting;

    public Endpoint(Func<Received, Stream, CancellationToken, Task> answer, Func<Stream, Task<Stream>>? secure = null)
    {
        this.answer = answer;
        this.secure = secure ?? Task.FromResult;
        listener.Start();
        accepting = Accept();
    }

    public static Endpoint Answering(params int[] statuses)
    {
        var next = -1;
        return new Endpoint((_, stream, ct) => Send(stream, $"HTTP/1.1 {statuses[Math.Min(Interlocked.Increment(ref next), statuses.Length - 1)]} x\r\ncontent-length: 2\r\n\r\nok", ct));
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Url => $"http://127.0.0.1:{Port}/in";

    /// <summary>Ends when the client closes a connection while it is still being written to.</summary>
    public Task Dropped => dropped.Task;

    public int Waiting => received.Reader.Count;

    public async Task<Received> Next(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        return await received.Reader.ReadAsync(patience.Token);
    }

    public static async Task Send(Stream stream, string text, CancellationToken ct) => await stream.WriteAsync(Encoding.Latin1.GetBytes(text), ct);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await accepting;
        listener.Stop();
        stop.Dispose();
    }

    private async Task Accept()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(Serve(await listener.AcceptTcpClientAsync(stop.Token)));
        }
        catch (Exception failure) when (failure is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
        await Task.WhenAll(connections);
    }

    private async Task Serve(TcpClient client)
    {
        using var _ = client;
        try
        {
            await using var stream = await secure(client.GetStream());
            while (await Read(stream) is { } request)
            {
                received.Writer.TryWrite(request);
                await answer(request, stream, stop.Token);
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            if (failure is IOException) dropped.TrySetResult();
        }
    }

    private async Task<Received?> Read(Stream stream)
    {
        if (await Line(stream) is not { Length: > 0 } first) return null;
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await Line(stream) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add(line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim());
        }
        var body = new byte[int.Parse(headers["content-length"], CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, stop.Token);
        return new Received(first.Split(' ')[1], headers, body);
    }

    private async Task<string?> Line(Stream stream)
    {
        var line = new StringBuilder();
        var octet = new byte[1];
        while (await stream.ReadAsync(octet, stop.Token) == 1)
        {
            if (octet[0] == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)octet[0]);
        }
        return null;
    }
}
