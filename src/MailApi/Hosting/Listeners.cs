using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using MailApi.Receiving;
using MailApi.Sandbox;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace MailApi.Hosting;

/// <summary>Marks connections that came in on the management address.</summary>
internal sealed class ManagementConnection;

/// <summary>The addresses this process listens on: public API, management, SMTP for others, and the sandbox's.</summary>
internal sealed class Listeners(Settings settings)
{
    /// <summary>Slow clients hold no thread, but their number is bounded all the same.</summary>
    public const int ConnectionsMax = 10_000;

    /// <summary>Of a request body, where a route does not say otherwise.</summary>
    public const int BodyBytesMax = 1 << 20;

    public const string SmtpName = "SMTP";
    public const string SubmissionName = "submission";
    public const string SubmissionTlsName = "submission under TLS";

    private readonly TaskCompletionSource<IPEndPoint> sandbox = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ListenOptions> publicEndpoints = [];
    private readonly List<ListenOptions> managementEndpoints = [];
    private readonly List<(string Name, ListenOptions Endpoint)> smtpEndpoints = [];
    private ListenOptions? sandboxEndpoint;

    /// <summary>Where the sandbox listens, once it does.</summary>
    public Task<IPEndPoint> Sandbox(CancellationToken ct) => sandbox.Task.WaitAsync(ct);

    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        if (settings.Roles.HasFlag(Roles.Api)) Listen(kestrel, settings.Urls, "Urls", publicEndpoints.Add);
        Listen(kestrel, settings.Management.Urls, "Management__Urls", endpoint =>
        {
            managementEndpoints.Add(endpoint);
            endpoint.Use(next => connection =>
            {
                connection.Features.Set(new ManagementConnection());
                return next(connection);
            });
        });
        ListenSmtp(kestrel, SmtpName, settings.Receive.Smtp, (services, connection) => services.GetRequiredService<InboundConnectionHandler>().OnConnectedAsync(connection));
        ListenSmtp(kestrel, SubmissionName, settings.Receive.Submission, (services, connection) => services.GetRequiredService<SubmissionListener>().Serve(connection, startsWithTls: false));
        ListenSmtp(kestrel, SubmissionTlsName, settings.Receive.SubmissionTls, (services, connection) => services.GetRequiredService<SubmissionListener>().Serve(connection, startsWithTls: true));
        if (settings.Roles.HasFlag(Roles.Deliver))
            kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
            {
                sandboxEndpoint = endpoint;
                // Made at the first connection: it needs secrets, which are read only once the host starts.
                endpoint.Run(connection => endpoint.ApplicationServices.GetRequiredService<SandboxConnectionHandler>().OnConnectedAsync(connection));
            });
    }

    /// <summary>Called once the server listens: ports that were left open are known now.</summary>
    public void Started()
    {
        if (sandboxEndpoint?.IPEndPoint is { } endpoint) sandbox.TrySetResult(endpoint);
    }

    /// <summary>A base address that a user on this machine can paste.</summary>
    public string PublicAddress => Address(publicEndpoints);

    public string ManagementAddress => Address(managementEndpoints);

    /// <summary>The SMTP listeners, once they listen.</summary>
    public IEnumerable<(string Name, IPEndPoint? EndPoint)> Smtp => smtpEndpoints.Select(listener => (listener.Name, listener.Endpoint.IPEndPoint));

    private static string Address(List<ListenOptions> endpoints) => endpoints is [var first, ..] ? $"http://localhost:{first.IPEndPoint?.Port}" : "";

    private void ListenSmtp(KestrelServerOptions kestrel, string name, string? address, Func<IServiceProvider, ConnectionContext, Task> serve)
    {
        if (!settings.Roles.HasFlag(Roles.Receive) || address is null || !ReceiveOptions.TryParse(address, out var parsed)) return;
        kestrel.Listen(parsed, endpoint =>
        {
            smtpEndpoints.Add((name, endpoint));
            endpoint.Run(connection => serve(endpoint.ApplicationServices, connection));
        });
    }

    private static void Listen(KestrelServerOptions kestrel, string urls, string key, Action<ListenOptions> configure)
    {
        foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            BindingAddress address;
            try
            {
                address = BindingAddress.Parse(url);
            }
            catch (FormatException)
            {
                throw new SettingsException($"{key} must be addresses such as http://localhost:8080, separated by semicolons; '{url}' is none.");
            }

            void Finish(ListenOptions endpoint)
            {
                if (address.Scheme == "https") UseTls(endpoint);
                configure(endpoint);
            }

            if (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip)) kestrel.Listen(ip, address.Port, Finish);
            else if (address.Host == "localhost" && address.Port == 0) kestrel.Listen(IPAddress.Loopback, 0, Finish);
            else if (address.Host == "localhost") kestrel.ListenLocalhost(address.Port, Finish);
            else kestrel.ListenAnyIP(address.Port, Finish);
        }
    }

    /// <summary>With the certificate of <c>Kestrel:Certificates:Default</c>, read again when its files change; without one, the development certificate.</summary>
    private static void UseTls(ListenOptions endpoint)
    {
        const string section = "Kestrel:Certificates:Default";
        var services = endpoint.ApplicationServices;
        var named = services.GetRequiredService<IConfiguration>().GetSection(section);
        if (named["Path"] is not { Length: > 0 } path)
        {
            endpoint.UseHttps();
            return;
        }
        var file = new CertificateFile(path, named["KeyPath"], named["Password"], services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<CertificateFile>>());
        try
        {
            _ = file.Current;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"{section.Replace(":", "__", StringComparison.Ordinal)}__Path names no usable certificate: {e.Message}");
        }
        endpoint.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = file.Current,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        });
    }
}
