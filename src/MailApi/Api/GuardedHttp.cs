using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Api;

/// <summary>
/// HTTP to hosts that somebody else names (S-16): each request goes to addresses that were looked up and admitted for it and never to the name, by no proxy, after no
/// redirect, with no cookie, no decompression and nothing of our traces. TLS still checks the name.
/// </summary>
internal static class GuardedHttp
{
    /// <summary>Of an answer.</summary>
    public const int HeaderKibMax = 16;

    /// <summary>Addresses of a host that are tried.</summary>
    private const int AddressesMax = 4;

    private static readonly HttpRequestOptionsKey<IReadOnlyList<IPAddress>> Admitted = new("admitted");

    /// <summary>Names the addresses that a request may go to.</summary>
    public static void Admit(this HttpRequestMessage request, IReadOnlyList<IPAddress> addresses) => request.Options.Set(Admitted, addresses);

    public static SocketsHttpHandler Handler() => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        MaxResponseHeadersLength = HeaderKibMax,
        MaxResponseDrainSize = 0,
        ConnectCallback = Connect,
        SslOptions = new SslClientAuthenticationOptions
        {
            // A hostile certificate names addresses for its issuer and its revocation list: fetching them would be forgery by another door.
            CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
        },
    };

    private static async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        if (!context.InitialRequestMessage.Options.TryGetValue(Admitted, out var addresses)) throw new InvalidOperationException("No address was admitted for this request.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync([.. addresses.Take(AddressesMax)], context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
