using System.Security.Cryptography.X509Certificates;
using MailApi.Hosting;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

/// <summary>What the listeners show in the handshake: the operator's certificate, renewed while the service runs, or one of its own.</summary>
public sealed class ListenerCertificateTests : IDisposable
{
    private readonly TempDirectory directory = new();

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart()
    {
        var first = Issue("first.mailapi.test");
        await using var host = new TestHost { Settings = [$"Receive:CertificatePath={directory["tls.crt"]}", $"Receive:CertificateKeyPath={directory["tls.key"]}"] };
        await host.InitializeAsync();
        Assert.Equal(first, await Shown(host));

        var second = Issue("second.mailapi.test");
        await Eventually.HoldsAsync(async () => await Shown(host) == second, TimeSpan.FromSeconds(60), "the renewed certificate is shown", CancellationToken.None);
    }

    [Fact]
    public async Task A_certificate_that_is_none_stops_the_start_by_name()
    {
        await File.WriteAllTextAsync(directory["tls.crt"], "no certificate", TestContext.Current.CancellationToken);
        await using var app = MailApiHost.Build(
        [
            "--Urls=http://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={directory["data"]}", $"--Admin:Key={TestHost.AdminKey}",
            "--Receive:Submission=127.0.0.1:0", $"--Receive:CertificatePath={directory["tls.crt"]}", $"--Receive:CertificateKeyPath={directory["tls.key"]}",
        ]);
        var refusal = await Assert.ThrowsAsync<SettingsException>(() => app.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("Receive__CertificatePath", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_one_an_installation_makes_its_own_keeps_it_and_guards_its_key()
    {
        var setting = $"DataDirectory={directory.Path}";
        var shown = await StartedAndShown(setting);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["smtp-certificate-key.pem"]));
        using var made = X509CertificateLoader.LoadCertificateFromFile(directory["smtp-certificate.pem"]);
        Assert.True(made.MatchesHostname("out.mailapi.test"));
        Assert.Equal(shown, await StartedAndShown(setting));

        // A start that was cut off between the two files.
        await File.WriteAllTextAsync(directory["smtp-certificate-key.pem"], "", TestContext.Current.CancellationToken);
        Assert.NotEqual(shown, await StartedAndShown(setting));
    }

    public void Dispose() => directory.Dispose();

    private static async Task<string> StartedAndShown(string setting)
    {
        await using var host = new TestHost { Settings = [setting] };
        await host.InitializeAsync();
        return await Shown(host);
    }

    private static async Task<string> Shown(TestHost host)
    {
        await using var caller = await SmtpCaller.Connect(host.SmtpPort(Listeners.SubmissionTlsName), startWithTls: true);
        return caller.Certificate!.GetCertHashString();
    }

    private string Issue(string name)
    {
        using var certificate = TestCertificate.For(name);
        File.WriteAllText(directory["tls.crt"], certificate.ExportCertificatePem());
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(directory["tls.key"], key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }
}
