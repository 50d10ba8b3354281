using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using MailApi.Api;

namespace MailApi.Webhooks;

/// <summary>What became of one request. <paramref name="Status"/> is null when no answer came, <paramref name="Error"/> when it was a 2xx.</summary>
internal sealed record Answer(int? Status, string? Error)
{
    public bool Delivered => Error is null;

    /// <summary>410: the endpoint wants to hear nothing more.</summary>
    public bool Gone => Status == (int)HttpStatusCode.Gone;
}

/// <summary>
/// Posts signed events to endpoints that tenants chose, and trusts neither the address nor the answer: no proxy, redirect, cookie or
/// decompression; headers up to 16 KiB; 4 KiB of body; one deadline over everything.
/// </summary>
internal sealed class WebhookClient(EgressGuard guard, WebhookOptions options, TimeProvider clock) : IDisposable
{
    /// <summary>The answer's body says nothing to us and is never shown; a short one is read so that the connection can serve again.</summary>
    private const int BodyBytesMax = 4_096;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly ProductInfoHeaderValue UserAgent = new("MailApi", typeof(WebhookClient).Assembly.GetName().Version!.ToString(3));
    private readonly HttpMessageInvoker http = new(Handler(options));

    /// <summary>One try. Never throws for what the endpoint or the network does.</summary>
    /// <param name="id">The event's id, the same on every try.</param>
    /// <param name="ct">Gives up at once; only then <see cref="OperationCanceledException"/>.</param>
    public async Task<Answer> Post(string address, string id, byte[] body, IReadOnlyList<byte[]> secrets, CancellationToken ct)
    {
        if (!WebhookUrl.TryParse(address, options.AllowPrivateNetworks, out var url, out var refusal)) return new Answer(null, refusal);
        using var timer = new CancellationTokenSource(options.Timeout, clock);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        try
        {
            var admission = await guard.Admit(url, deadline.Token);
            if (admission.Refusal is not null) return new Answer(null, admission.Refusal);

            using var request = Request(url, id, body, secrets);
            request.Admit(admission.Addresses);
            using var response = await http.SendAsync(request, deadline.Token);
            await Drain(response, deadline.Token);
            return Judge(response);
        }
        catch (HttpRequestException failure)
        {
            return new Answer(null, Explain(failure.HttpRequestError));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new Answer(null, timer.IsCancellationRequested
                ? string.Create(CultureInfo.InvariantCulture, $"The endpoint did not answer within {options.Timeout.TotalSeconds:0.#} s.")
                : string.Create(CultureInfo.InvariantCulture, $"The endpoint did not accept a connection within {ConnectTimeout.TotalSeconds:0.#} s."));
        }
    }

    public void Dispose() => http.Dispose();

    private HttpRequestMessage Request(WebhookUrl url, string id, byte[] body, IReadOnlyList<byte[]> secrets)
    {
        // The receiver compares this with its own clock, so it is this process's clock and not the store's.
        var seconds = clock.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, url.Uri) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.UserAgent.Add(UserAgent);
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", seconds.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", Signature.Header(secrets, id, seconds, body));
        return request;
    }

    private static Answer Judge(HttpResponseMessage response) => (int)response.StatusCode switch
    {
        >= 200 and < 300 and var status => new Answer(status, null),
        >= 300 and < 400 and var status => new Answer(status, $"The endpoint answered {status}; redirects are not followed."),
        var status => new Answer(status, $"The endpoint answered {status}."),
    };

    /// <summary>The status has decided already: whatever goes wrong here is no failure, and the connection is then not used again.</summary>
    private static async Task Drain(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(ct);
            var buffer = new byte[BodyBytesMax];
            await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException or OperationCanceledException)
        {
        }
    }

    /// <summary>Sentences for the tenant: what to look at, and nothing of what our network looks like from inside.</summary>
    private static string Explain(HttpRequestError error) => error switch
    {
        HttpRequestError.ConnectionError => "The endpoint did not accept a connection.",
        HttpRequestError.SecureConnectionError =>
            "TLS failed: the certificate must be valid for the host and the endpoint must send its whole chain.",
        HttpRequestError.ConfigurationLimitExceeded => $"The answer's headers exceed {GuardedHttp.HeaderKibMax} KiB.",
        HttpRequestError.ResponseEnded => "The endpoint closed the connection before it answered.",
        _ => "The endpoint's answer was not HTTP.",
    };

    private static SocketsHttpHandler Handler(WebhookOptions options)
    {
        var handler = GuardedHttp.Handler();
        handler.MaxConnectionsPerServer = options.ConcurrentDeliveries;
        handler.ConnectTimeout = ConnectTimeout;
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30);
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(2);
        return handler;
    }
}
