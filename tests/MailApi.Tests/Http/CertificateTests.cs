using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Sending;
using MailApi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Http;

/// <summary>The certificate of the public address, renewed while the service runs.</summary>
public sealed class CertificateTests : IDisposable
{
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_never()
    {
        var first = Issue();
        await using var app = Build("tls.crt", "tls.key");
        await app.StartAsync();
        var port = new Uri(app.Services.GetRequiredService<Listeners>().PublicAddress).Port;
        Assert.Equal((first, 2), await Shown(port));

        await File.WriteAllTextAsync(directory["tls.key"], "no key");
        Assert.Equal((first, 2), await Shown(port));

        var second = Issue();
        await Eventually.HoldsAsync(async () => await Shown(port) == (second, 2), TimeSpan.FromSeconds(60), "the renewed certificate is shown", CancellationToken.None);
        await app.StopAsync();
    }

    [Fact]
    public async Task A_large_message_comes_over_HTTP_2()
    {
        var shown = Issue();
        await using var app = Build("tls.crt", "tls.key");
        await app.StartAsync();
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == shown } };
        using var client = new HttpClient(handler)
        {
            BaseAddress = new UriBuilder(Uri.UriSchemeHttps, "127.0.0.1", new Uri(app.Services.GetRequiredService<Listeners>().PublicAddress).Port).Uri,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        client.DefaultRequestHeaders.Authorization = new("Bearer", TestHost.AdminKey);
        var tenant = await TestHost.Json(await client.PostAsJsonAsync("/tenants", new { name = "Shop" }));
        await TestHost.Json(await client.PostAsJsonAsync("/domains", new
        {
            tenant = tenant.GetProperty("id").GetString(),
            name = "large.example",
            verification = "manual",
            categories = new[] { "notification" },
            dkim = new { selector = AnyKey.Selector, privateKey = AnyKey.Pem },
        }));
        client.DefaultRequestHeaders.Authorization = new("Bearer", tenant.GetProperty("keys").EnumerateArray().Single(key => key.GetProperty("mode").GetString() == "test").GetProperty("key").GetString());
        var text = new string('x', 2 * BodyMemory.FreeOctets);

        using var answer = await client.PostAsJsonAsync("/send", new { from = "orders@large.example", to = new[] { "ann@example.net" }, subject = "Large", text, category = "notification" });

        Assert.Equal((HttpVersion.Version20, HttpStatusCode.Accepted), (answer.Version, answer.StatusCode));
        await app.StopAsync();
    }

    [Fact]
    public void A_certificate_that_is_none_stops_the_start_by_name()
    {
        var refusal = Assert.Throws<SettingsException>(() => Build("missing.crt", "missing.key"));

        Assert.Contains("Kestrel__Certificates__Default__Path", refusal.Message, StringComparison.Ordinal);
    }

    public void Dispose() => directory.Dispose();

    private WebApplication Build(string certificate, string key) => MailApiHost.Build(
    [
        "--Urls=https://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={directory.Path}", $"--Admin:Key={TestHost.AdminKey}",
        $"--Kestrel:Certificates:Default:Path={directory[certificate]}", $"--Kestrel:Certificates:Default:KeyPath={directory[key]}",
    ]);

    /// <summary>Writes a new pair, with its issuer behind it; answers its thumbprint.</summary>
    private string Issue()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Authority("CN=root", rootKey).CreateSelfSigned(now.AddDays(-2), now.AddDays(3));
        using var issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bare = Authority("CN=issuer", issuerKey).Create(root, now.AddDays(-1), now.AddDays(2), RandomNumberGenerator.GetBytes(8));
        using var issuer = bare.CopyWithPrivateKey(issuerKey);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = new CertificateRequest("CN=api.mailapi.test", key, HashAlgorithmName.SHA256).Create(issuer, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(directory["tls.crt"], own.ExportCertificatePem() + "\n" + issuer.ExportCertificatePem());
        File.WriteAllText(directory["tls.key"], key.ExportPkcs8PrivateKeyPem());
        return own.Thumbprint;
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request;
    }

    /// <summary>The thumbprint of the server's certificate, and how many certificates it sent.</summary>
    private static async Task<(string?, int)> Shown(int port)
    {
        var sent = 0;
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await using var tls = new SslStream(client.GetStream(), false, (_, _, chain, _) => (sent = chain!.ChainPolicy.ExtraStore.Count) > 0);
        await tls.AuthenticateAsClientAsync("api.mailapi.test");
        return (tls.RemoteCertificate!.GetCertHashString(), sent);
    }
}
