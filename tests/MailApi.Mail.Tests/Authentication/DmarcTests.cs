using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Testing;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Authentication;

public sealed class DmarcTests : IAsyncDisposable
{
    private readonly DnsZone zone = DnsZone.Start();

    /// <summary>RFC 9989 appendix B.1, and what the alignment modes make of the rest.</summary>
    [Theory]
    [InlineData("example.com", "example.com", "r", true)]
    [InlineData("example.com", "example.com", "s", true)]
    [InlineData("example.com", "child.example.com", "r", true)]
    [InlineData("example.com", "child.example.com", "s", false)]
    [InlineData("child.example.com", "example.com", "r", true)]
    [InlineData("a.example.com", "b.example.com", "r", true)]
    [InlineData("a.example.com", "b.example.com", "s", false)]
    [InlineData("child.example.com", "example.net", "r", false)]
    [InlineData("example.com", "myexample.com", "r", false)]
    [InlineData("example.com", "com", "r", false)]
    public async Task Names_are_aligned_by_mode_and_organization(string author, string other, string mode, bool aligned)
    {
        zone.Txt("_dmarc.example.com", $"v=DMARC1; p=reject; aspf={mode}; adkim={mode}");
        var bySpf = await Check(author, Spf(Pass, other), Signature(Fail, other));
        Assert.Equal((aligned, false, aligned ? Pass : Fail, aligned ? DmarcPolicy.None : DmarcPolicy.Reject), (bySpf.SpfAligned, bySpf.DkimAligned, bySpf.Result, bySpf.Disposition));
        var byDkim = await Check(author, Spf(Fail, other), Signature(Pass, other));
        Assert.Equal((false, aligned, aligned ? Pass : Fail), (byDkim.SpfAligned, byDkim.DkimAligned, byDkim.Result));
    }

    [Theory]
    [InlineData("v=DMARC1; p=reject", "example.com", DmarcPolicy.Reject, DmarcPolicy.Reject)]
    [InlineData("v=DMARC1; p=quarantine", "example.com", DmarcPolicy.Quarantine, DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=none", "example.com", DmarcPolicy.None, DmarcPolicy.None)]
    // t=y: one level less (§4.7).
    [InlineData("v=DMARC1; p=reject; t=y", "example.com", DmarcPolicy.Reject, DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=quarantine; t=y", "example.com", DmarcPolicy.Quarantine, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=none; t=y", "example.com", DmarcPolicy.None, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; t=n", "example.com", DmarcPolicy.Reject, DmarcPolicy.Reject)]
    // Subdomains that exist, by A, AAAA or MX, and that do not.
    [InlineData("v=DMARC1; p=reject; sp=none; np=quarantine", "a.example.com", DmarcPolicy.None, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; sp=none; np=quarantine", "aaaa.example.com", DmarcPolicy.None, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; sp=none; np=quarantine", "mx.example.com", DmarcPolicy.None, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; sp=none; np=quarantine", "txt.example.com", DmarcPolicy.Quarantine, DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=reject; sp=none; np=quarantine", "gone.example.com", DmarcPolicy.Quarantine, DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=reject; sp=none; np=quarantine", "broken.example.com", DmarcPolicy.None, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; sp=none", "gone.example.com", DmarcPolicy.None, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=none; np=reject", "example.com", DmarcPolicy.None, DmarcPolicy.None)]
    // Too broken (§4.10.1).
    [InlineData("v=DMARC1; p=oops; rua=mailto:a@b.example", "example.com", DmarcPolicy.None, DmarcPolicy.None)]
    // pct= was taken away.
    [InlineData("v=DMARC1; p=reject; pct=0", "example.com", DmarcPolicy.Reject, DmarcPolicy.Reject)]
    public async Task Mail_that_fails_gets_what_the_record_asks_for(string record, string author, DmarcPolicy policy, DmarcPolicy disposition)
    {
        zone.Txt("_dmarc.example.com", record)
            .A("a.example.com", "192.0.2.1").Add("aaaa.example.com", DnsRecord.Aaaa("2001:db8::1")).Mx("mx.example.com", 10, "mx.example.com")
            .Txt("txt.example.com", "v=spf1 -all").Fail("broken.example.com", DnsFailure.ServFail);
        var verdict = await Check(author, Spf(Fail, author));
        Assert.Equal((Fail, policy, disposition), (verdict.Result, verdict.Policy, verdict.Disposition));
    }

    [Theory]
    [InlineData("v=DMARC1", PermError)]
    [InlineData("v=DMARC1; p=oops", PermError)]
    [InlineData("v=DMARC2; p=reject", None)]
    public async Task A_record_too_broken_to_apply_or_of_another_version_asks_for_nothing(string record, AuthenticationResult result)
    {
        zone.Txt("_dmarc.example.com", record);
        var verdict = await Check("example.com", Spf(Fail, "example.com"));
        Assert.Equal((result, null, DmarcPolicy.None), (verdict.Result, verdict.Policy, verdict.Disposition));
    }

    [Fact]
    public async Task Of_two_records_at_one_name_none_applies()
    {
        zone.Txt("_dmarc.example.com", "v=DMARC1; p=reject").Txt("_dmarc.example.com", "v=DMARC1; p=none");
        Assert.Equal(None, (await Check("example.com", Spf(Fail, "example.com"))).Result);
    }

    /// <summary>§5.3.6: nothing is concluded while one that might have confirmed the domain could not be judged.</summary>
    [Theory]
    [InlineData(TempError, "example.com", Fail, "example.com", TempError)]
    [InlineData(TempError, "other.example", Fail, "example.com", Fail)]
    [InlineData(Fail, "example.com", TempError, "example.com", TempError)]
    [InlineData(Fail, "example.com", TempError, "other.example", Fail)]
    [InlineData(TempError, "example.com", Pass, "example.com", Pass)]
    [InlineData(PermError, "example.com", PermError, "example.com", Fail)]
    // The organization of another name cannot be known.
    [InlineData(Pass, "a.broken.example", Fail, "example.com", TempError)]
    [InlineData(Fail, "a.broken.example", Fail, "example.com", Fail)]
    public async Task What_may_pass_later_is_no_failure(AuthenticationResult spf, string spfDomain, AuthenticationResult dkim, string dkimDomain, AuthenticationResult result)
    {
        zone.Txt("_dmarc.example.com", "v=DMARC1; p=reject").Fail("_dmarc.broken.example", DnsFailure.ServFail);
        var verdict = await Check("example.com", Spf(spf, spfDomain), Signature(dkim, dkimDomain));
        Assert.Equal((result, result == Fail ? DmarcPolicy.Reject : DmarcPolicy.None), (verdict.Result, verdict.Disposition));
    }

    [Theory]
    [InlineData("_dmarc.mail.example.com", "mail.example.com", TempError)]
    [InlineData("_dmarc.mail.example.com", "example.com", TempError)]
    [InlineData("_dmarc.example.com", "example.com", TempError)]
    public async Task A_policy_that_cannot_be_looked_up_is_a_temporary_error(string broken, string spfDomain, AuthenticationResult result)
    {
        zone.Txt("_dmarc.example.com", "v=DMARC1; p=reject").Fail(broken, DnsFailure.Timeout);
        var verdict = await new Dmarc(Receiver.Dns(zone, isSilent: true)).Check("mail.example.com", Spf(Pass, spfDomain), [], TestContext.Current.CancellationToken);
        Assert.Equal(result, verdict.Result);
    }

    [Fact]
    public async Task A_name_that_confirms_itself_needs_no_organization()
    {
        zone.Txt("_dmarc.mail.example.com", "v=DMARC1; p=reject").Fail("_dmarc.example.com", DnsFailure.ServFail);
        Assert.Equal(Pass, (await Check("mail.example.com", Spf(Pass, "mail.example.com"))).Result);
        Assert.Equal(TempError, (await Check("mail.example.com", Spf(Pass, "example.com"))).Result);
    }

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    private static SpfVerdict Spf(AuthenticationResult result, string domain) => new(result, domain, 0, "");

    private static SignatureVerdict Signature(AuthenticationResult result, string domain) => new(domain, "s", "rsa-sha256", result, null);

    private Task<DmarcVerdict> Check(string author, SpfVerdict spf, params SignatureVerdict[] dkim) =>
        new Dmarc(Receiver.Dns(zone)).Check(author, spf, dkim, TestContext.Current.CancellationToken);
}
