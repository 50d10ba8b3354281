using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MailApi.Testing;

/// <summary>An HTTP server on loopback that records what is posted to it and answers as it is told, 204 by default.</summary>
public sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly Arrivals<ReceivedWebhook> _received = new();
    private readonly ConcurrentQueue<WebhookAnswer> _next = new();
    private WebApplication? _app;
    private readonly Ledger<WebhookLedgerLine>? _ledger;
    private int _aborted;

    private WebhookReceiver(int port, string? ledgerPath)
    {
        Port = port;
        if (ledgerPath is not null) _ledger = new Ledger<WebhookLedgerLine>(ledgerPath);
    }

    public int Port { get; }

    /// <summary><c>http://127.0.0.1:port/hook</c>; every other path is recorded as well.</summary>
    public string Url => $"http://127.0.0.1:{Port}/hook";

    /// <summary>What is sent when no answer is queued.</summary>
    public WebhookAnswer Default { get; set; } = WebhookAnswer.Of(204);

    /// <summary>How many answers the client has not read to their end.</summary>
    public int Aborted => Volatile.Read(ref _aborted);

    /// <summary>Everything received so far, in order of arrival.</summary>
    public IReadOnlyList<ReceivedWebhook> Received => _received.All;

    public static Task<WebhookReceiver> StartAsync() => StartAsync(ledgerPath: null);

    /// <param name="ledgerPath">An append-only file with one JSON line a request, on disk before the answer leaves; requests are then not kept in memory.</param>
    public static async Task<WebhookReceiver> StartAsync(string? ledgerPath)
    {
        var receiver = new WebhookReceiver(FreePort.Next(), ledgerPath);
        await receiver.UpAsync();
        return receiver;
    }

    /// <summary>Queues answers for the next requests, whichever they are.</summary>
    public void AnswerNext(params IReadOnlyList<WebhookAnswer> answers)
    {
        foreach (var answer in answers) _next.Enqueue(answer);
    }

    /// <summary>Listens again after <see cref="DownAsync"/>, on the same port.</summary>
    public async Task UpAsync()
    {
        if (_app is not null) return;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, Port);
        });
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Run(HandleAsync);
        await app.StartAsync();
        _app = app;
    }

    /// <summary>Refuses connections and cuts those that are open; what was received stays.</summary>
    public async Task DownAsync()
    {
        if (_app is not { } app) return;
        _app = null;
        await app.StopAsync(new CancellationToken(canceled: true));
        await app.DisposeAsync();
    }

    /// <summary>The first request that fits, be it there already or still to come.</summary>
    /// <exception cref="TimeoutException">None came; the message tells what did.</exception>
    public Task<ReceivedWebhook> WaitFor(Func<ReceivedWebhook, bool> fits, TimeSpan timeout) => _received.WaitFor(fits, timeout, Describe);

    /// <summary>Returns all requests as soon as there are at least <paramref name="count"/>.</summary>
    /// <exception cref="TimeoutException">There are fewer.</exception>
    public Task<IReadOnlyList<ReceivedWebhook>> WaitForCount(int count, TimeSpan timeout) => _received.WaitForCount(count, timeout, Describe);

    /// <summary>Forgets what was received.</summary>
    public void Clear() => _received.Clear();

    public async ValueTask DisposeAsync()
    {
        await DownAsync();
        if (_ledger is not null) await _ledger.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        if (!_next.TryDequeue(out var answer)) answer = Default;
        var received = new ReceivedWebhook
        {
            Method = request.Method,
            Path = request.Path + request.QueryString,
            Headers = request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            Body = body.ToArray(),
            Time = TimeProvider.System.GetUtcNow(),
            Status = answer.Status,
        };
        if (_ledger is null) _received.Add(received);
        else await _ledger.AppendAsync(WebhookLedgerLine.Of(received));
        try
        {
            await answer.WriteAsync(context.Response, context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            Interlocked.Increment(ref _aborted);
        }
    }

    private string Describe()
    {
        var lines = Received.TakeLast(20).Select(webhook => $"{webhook.Status} {webhook.Method} {webhook.Path} {webhook.Text}");
        return $"There were {_received.Count}:\n{string.Join('\n', lines)}";
    }
}
