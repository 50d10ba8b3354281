using System.Security.Cryptography.X509Certificates;
using MailApi.Delivery.Tls;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;
using MailApi.Testing;
using MailApi.Tests.Domains;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailApi.Tests.Delivery;

/// <summary>MTA-STS policies from a real web server, kept in a real store.</summary>
public sealed class MtaStsTests : IAsyncLifetime
{
    private const string Domain = "sts.test";
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
    private readonly DnsZone dns = DnsZone.Start();
    private readonly X509Certificate2 certificate = TestCertificate.For("mta-sts." + Domain);
    private PolicyHost web = null!;
    private SqliteStore store = null!;
    private TlsResults results = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        dns.Txt("_mta-sts." + Domain, "v=STSv1; id=1;").A("mta-sts." + Domain, "127.0.0.1");
        web = PolicyHost.Start(certificate, PolicyHost.Policy("enforce", "mx." + Domain));
        store = await SqliteStore.Create(Ct);
        results = new TlsResults(store.Db, time, NullLogger<TlsResults>.Instance);
    }

    [Fact]
    public async Task A_policy_is_fetched_once_and_outlives_a_restart_and_its_web_server()
    {
        var first = Sts();
        Assert.Equal(["mx." + Domain], (await first.Find(Domain, Ct))!.Hosts);
        await first.Find(Domain, Ct);
        Assert.Equal(1, web.Requests);

        await web.DisposeAsync();
        dns.Remove("_mta-sts." + Domain);

        Assert.Equal(StsMode.Enforce, (await Sts().Find(Domain, Ct))?.Mode);
    }

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "sts-policy-fetch-error")]
    [InlineData("HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.sts.test/\r\nContent-Length: 0\r\n\r\n", "sts-policy-fetch-error")]
    [InlineData("no HTTP", "sts-policy-fetch-error")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", "sts-policy-invalid")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nversion: STSv9", "sts-policy-invalid")]
    [InlineData("endless", "sts-policy-invalid")]
    public async Task What_is_no_policy_is_none_and_is_counted_and_not_asked_for_again_at_once(string answer, string result)
    {
        web.Answer = answer == "endless" ? PolicyHost.Policy("enforce", "mx." + Domain) + new string('\n', StsPolicy.BytesMax) : answer;
        var sts = Sts();

        Assert.Null(await sts.Find(Domain, Ct));
        Assert.Null(await sts.Find(Domain, Ct));

        Assert.Equal(1, web.Requests);
        Assert.Equal([$"sts {result} 1"], await Counted());
    }

    [Fact]
    public async Task A_certificate_that_is_not_valid_for_the_name_brings_no_policy()
    {
        dns.Txt("_mta-sts.other.test", "v=STSv1; id=1;").A("mta-sts.other.test", "127.0.0.1");

        Assert.Null(await Sts().Find("other.test", Ct));
        Assert.Null(await Sts(trusted: false).Find(Domain, Ct));

        Assert.Equal(0, web.Requests);
        Assert.Equal(["sts sts-webpki-invalid 1", "sts sts-webpki-invalid 1"], await Counted());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("8.8.8.8")]
    public async Task A_web_server_on_a_private_address_is_not_asked(string? beside)
    {
        if (beside is not null) dns.A("mta-sts." + Domain, beside);
        Assert.Null(await Sts(allowPrivate: false).Find(Domain, Ct));

        Assert.Equal(0, web.Requests);
        Assert.Equal(["sts sts-policy-fetch-error 1"], await Counted());
    }

    [Fact]
    public async Task A_domain_without_a_record_is_not_fetched_from()
    {
        dns.Remove("_mta-sts." + Domain);

        Assert.Null(await Sts().Find(Domain, Ct));

        Assert.Equal(0, web.Requests);
    }

    [Fact]
    public async Task A_new_id_brings_the_new_policy_behind_the_mail_and_a_failed_fetch_keeps_the_old()
    {
        using var sts = Sts();
        await sts.StartAsync(Ct);
        Assert.Equal(StsMode.Enforce, (await sts.Find(Domain, Ct))?.Mode);

        web.Answer = "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n";
        dns.Set("_mta-sts." + Domain, DnsRecord.Txt("v=STSv1; id=2;"));
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(StsMode.Enforce, (await sts.Find(Domain, Ct))?.Mode);
        await Eventually.HoldsAsync(() => web.Requests == 2, TimeSpan.FromSeconds(60), "the new policy is asked for", Ct);
        Assert.Equal(StsMode.Enforce, (await sts.Find(Domain, Ct))?.Mode);

        web.Answer = PolicyHost.Policy("testing", "mx2." + Domain);
        time.Advance(MtaSts.FailureAge + TimeSpan.FromSeconds(1));
        await Eventually.HoldsAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(11));
            return (await sts.Find(Domain, Ct))?.Mode == StsMode.Testing;
        }, TimeSpan.FromSeconds(60), "the new policy holds", Ct);
        await sts.StopAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await web.DisposeAsync();
        await dns.DisposeAsync();
        results.Dispose();
        store.Dispose();
        certificate.Dispose();
    }

    private MtaSts Sts(bool trusted = true, bool allowPrivate = true)
    {
        var options = new DnsOptions { Servers = [dns.EndPoint], AllowPrivateNetworks = allowPrivate };
        var settings = new TlsSettings { MtaStsPort = web.Port };
        var resolver = new DnsResolver(options, time);
        X509Certificate2Collection? roots = trusted ? [X509CertificateLoader.LoadCertificate(certificate.RawData)] : null;
        return new MtaSts(resolver, new StsFetcher(resolver, options, settings, time, roots), store.Db, results, settings, time, NullLogger<MtaSts>.Instance);
    }

    private async Task<List<string>> Counted()
    {
        await results.Write();
        return await store.Db.Query("select policy_type, result_type, sessions from tls_results", row => $"{row.GetString(0)} {row.GetString(1)} {row.GetInt64(2)}", Ct);
    }
}
