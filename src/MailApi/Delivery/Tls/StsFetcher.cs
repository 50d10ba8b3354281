using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailApi.Api;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;

namespace MailApi.Delivery.Tls;

/// <summary>What a fetch brought: a policy and its text, or why none.</summary>
internal sealed record StsFetched(StsPolicy? Policy, string Text, TlsResult Failure, string Detail);

/// <summary>
/// Fetches MTA-STS policies (RFC 8461 §3.3), trusting neither the address nor the answer: no proxy, redirect, cookie or decompression; only a valid
/// certificate; addresses of the public internet, connected to as they were looked up; one deadline over everything.
/// </summary>
/// <param name="dns">Finds the policy's host.</param>
/// <param name="addresses">Which addresses may be asked.</param>
/// <param name="settings">The port.</param>
/// <param name="time">For the deadline.</param>
/// <param name="trustedRoots">Authorities in place of the system's; null: the system's.</param>
internal sealed class StsFetcher(
    [FromKeyedServices(Routes.LookUps)] DnsResolver dns, DnsOptions addresses, TlsSettings settings, TimeProvider time, X509Certificate2Collection? trustedRoots = null) : IDisposable
{
    /// <summary>RFC 8461 §3.3 suggests a minute; mail waits meanwhile, and its slot with it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int ConnectionsMax = 16;
    private readonly HttpMessageInvoker http = new(Handler(trustedRoots));

    /// <param name="domain">The recipient's, in A-labels.</param>
    /// <param name="ct">Gives up at once; only then <see cref="OperationCanceledException"/>.</param>
    public async Task<StsFetched> Fetch(string domain, CancellationToken ct)
    {
        using var timer = new CancellationTokenSource(Patience, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        try
        {
            if (await dns.Addresses("mta-sts." + domain, deadline.Token) is not DnsAnswer<IPAddress>.Found found) return Failed(TlsResult.StsPolicyFetchError, "its host has no address");
            if (!addresses.AllowPrivateNetworks && !found.Values.All(GlobalUnicast.Contains)) return Failed(TlsResult.StsPolicyFetchError, "its host has an address that is not of the public internet");
            return await Ask(new UriBuilder("https", "mta-sts." + domain, settings.MtaStsPort, "/.well-known/mta-sts.txt").Uri, found.Values, deadline.Token);
        }
        catch (HttpRequestException e)
        {
            return Failed(e.HttpRequestError == HttpRequestError.SecureConnectionError ? TlsResult.StsWebpkiInvalid : TlsResult.StsPolicyFetchError, e.HttpRequestError.ToString());
        }
        catch (IOException e)
        {
            return Failed(TlsResult.StsPolicyFetchError, e.Message);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Failed(TlsResult.StsPolicyFetchError, "no answer in time");
        }
    }

    public void Dispose() => http.Dispose();

    private async Task<StsFetched> Ask(Uri address, IReadOnlyList<IPAddress> admitted, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Admit(admitted);
        using var response = await http.SendAsync(request, ct);
        if (response.StatusCode != HttpStatusCode.OK) return Failed(TlsResult.StsPolicyFetchError, string.Create(CultureInfo.InvariantCulture, $"the answer is {(int)response.StatusCode}"));
        // RFC 8461 §3.2: so that nobody who may put files on a web server makes a policy of one.
        if (response.Content.Headers.ContentType?.MediaType is not { } type || !type.Equals("text/plain", StringComparison.OrdinalIgnoreCase)) return Failed(TlsResult.StsPolicyInvalid, "it is not text/plain");
        await using var body = await response.Content.ReadAsStreamAsync(ct);
        var octets = new byte[StsPolicy.BytesMax + 1];
        var length = await body.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, ct);
        if (length > StsPolicy.BytesMax) return Failed(TlsResult.StsPolicyInvalid, $"it is longer than {StsPolicy.BytesMax} octets");
        var text = Encoding.Latin1.GetString(octets, 0, length);
        // No column of PostgreSQL takes U+0000, and no policy has one.
        if (text.Contains('\0', StringComparison.Ordinal)) return Failed(TlsResult.StsPolicyInvalid, "it is no text");
        return StsPolicy.TryParse(text, out var policy, out var error) ? new StsFetched(policy, text, TlsResult.Success, "") : Failed(TlsResult.StsPolicyInvalid, error);
    }

    private static StsFetched Failed(TlsResult failure, string detail) => new(null, "", failure, detail);

    private static SocketsHttpHandler Handler(X509Certificate2Collection? trustedRoots)
    {
        var handler = GuardedHttp.Handler();
        handler.MaxConnectionsPerServer = ConnectionsMax;
        // Policies are seldom asked for again soon, and then perhaps at another address.
        handler.PooledConnectionLifetime = TimeSpan.Zero;
        if (trustedRoots is null) return handler;
        var chain = handler.SslOptions.CertificateChainPolicy!;
        chain.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.CustomTrustStore.AddRange(trustedRoots);
        return handler;
    }
}
