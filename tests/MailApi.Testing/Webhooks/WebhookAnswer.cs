using System.IO.Compression;
using Microsoft.AspNetCore.Http;

namespace MailApi.Testing;

/// <summary>How the receiver answers a request after it has read and recorded it.</summary>
public sealed class WebhookAnswer
{
    private static readonly byte[] Chunk = new byte[64 * 1024];
    private readonly Func<HttpResponse, CancellationToken, Task> _write;

    private WebhookAnswer(int status, Func<HttpResponse, CancellationToken, Task> write)
    {
        Status = status;
        _write = write;
    }

    public int Status { get; }

    public static WebhookAnswer Of(int status) => new(status, (_, _) => Task.CompletedTask);

    /// <summary>429 or 503 with Retry-After.</summary>
    public static WebhookAnswer RetryAfter(int status, TimeSpan delay) => new(status, (response, _) =>
    {
        response.Headers.RetryAfter = $"{delay.TotalSeconds:0}";
        return Task.CompletedTask;
    });

    /// <summary>The status comes only after the delay.</summary>
    public static WebhookAnswer Slow(TimeSpan delay, int status = 200) => new(status, (_, ct) => Task.Delay(delay, TimeProvider.System, ct));

    /// <summary>200, and a body that trickles one byte a second for ever.</summary>
    public static WebhookAnswer Trickle() => new(200, async (response, ct) =>
    {
        while (true)
        {
            await response.Body.WriteAsync(Chunk.AsMemory(0, 1), ct);
            await response.Body.FlushAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, ct);
        }
    });

    /// <summary>200, and a body that does not end, as fast as it is read.</summary>
    public static WebhookAnswer Endless() => new(200, async (response, ct) =>
    {
        while (true) await response.Body.WriteAsync(Chunk, ct);
    });

    /// <summary>200, and a gzip body of about 1 MB that unpacks to 100 MB.</summary>
    public static WebhookAnswer GzipBomb() => new(200, async (response, ct) =>
    {
        response.Headers.ContentEncoding = "gzip";
        await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
        for (var i = 0; i < 1600; i++) await gzip.WriteAsync(Chunk, ct);
    });

    public static WebhookAnswer Redirect(string location, int status = 302) => new(status, (response, _) =>
    {
        response.Headers.Location = location;
        return Task.CompletedTask;
    });

    /// <summary>The connection is cut without an answer.</summary>
    public static WebhookAnswer Abort() => new(0, (response, _) =>
    {
        response.HttpContext.Abort();
        return Task.CompletedTask;
    });

    internal async Task WriteAsync(HttpResponse response, CancellationToken ct)
    {
        if (Status > 0) response.StatusCode = Status;
        await _write(response, ct);
    }
}
