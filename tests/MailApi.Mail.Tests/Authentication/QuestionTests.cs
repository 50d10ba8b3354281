using MailApi.Mail.Authentication;
using MailApi.Mail.Tests.Dkim;
using MailApi.Testing;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>
/// SPF names three servers, two DKIM keys are in rotation, DMARC says reject, and a message comes without a DKIM signature: does it pass?
/// It depends on which server sent it, and on whether the return path is aligned.
/// </summary>
public sealed class QuestionTests : IAsyncDisposable
{
    private const string Message = "From: Shop <orders@shop.example>\r\nTo: ann@example.net\r\nSubject: Order\r\n\r\nHello Ann.\r\n";
    private const string Tags = "v=1; a=rsa-sha256; c=relaxed/relaxed; h=from:to:subject; ";
    private const string Unsigned =
        "DKIM (none): the message is not signed. Keys that stand in the DNS say nothing for a message that carries no signature; have the server that sends it sign it for shop.example.";
    private const string Policy = """the record at _dmarc.shop.example says "v=DMARC1; p=reject": the policy is reject.""";
    private const string Refused =
        "It fails, and a receiver will refuse it: neither SPF nor DKIM confirms that it comes from shop.example, and the owner of shop.example asks to reject such mail.";

    private readonly DnsZone zone = DnsZone.Start();
    private readonly Receiver receiver;

    public QuestionTests()
    {
        receiver = new Receiver(zone);
        zone.Txt("_dmarc.shop.example", "v=DMARC1; p=reject").Txt("k1._domainkey.shop.example", Handmade.Record).Txt("k2._domainkey.shop.example", Handmade.Record)
            .Txt("_dmarc.mailer.example", "v=DMARC1; p=none").Txt("m._domainkey.mailer.example", Handmade.Record);
    }

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("192.0.2.2")]
    [InlineData("192.0.2.3")]
    public async Task From_one_of_the_three_with_an_aligned_return_path_it_passes(string server)
    {
        var report = await receiver.Receives(Message, "b-1@bounces.shop.example", server);
        Assert.Equal((true, Pass, true, false, DmarcPolicy.None), (report.WouldPass, report.Dmarc.Result, report.Dmarc.SpfAligned, report.Dmarc.DkimAligned, report.Dmarc.Disposition));
        Assert.Equal(
        [
            "It passes: SPF confirms that it comes from shop.example, and one of the two is enough for DMARC.",
            $"SPF (pass): The SPF record of bounces.shop.example lists 192.0.2.1, 192.0.2.2, 192.0.2.3; {server} is among them.",
            "The return path is at bounces.shop.example, which belongs to the same organization (shop.example) as the From address at shop.example: SPF counts for DMARC.",
            Unsigned,
            "DMARC (pass): " + Policy,
        ], report.Why);
    }

    [Fact]
    public async Task From_one_of_the_three_with_a_return_path_elsewhere_it_is_refused()
    {
        var report = await receiver.Receives(Message, "b-1@mailer.example");
        Assert.Equal((false, Fail, Pass, false, DmarcPolicy.Reject), (report.WouldPass, report.Dmarc.Result, report.Spf.Result, report.Dmarc.SpfAligned, report.Dmarc.Disposition));
        Assert.Equal(
        [
            Refused,
            "SPF (pass): The SPF record of mailer.example lists 192.0.2.1, 192.0.2.2, 192.0.2.3; 192.0.2.1 is among them.",
            "SPF passed, but it does not count for DMARC: the return path is at mailer.example, the From address at shop.example, and these are not of one organization. "
                + "Use a return path under shop.example, with an SPF record of its own.",
            Unsigned,
            "DMARC (fail): " + Policy,
        ], report.Why);
    }

    [Theory]
    [InlineData(Fail)]
    [InlineData(SoftFail)]
    [InlineData(Neutral)]
    public async Task From_another_server_it_is_refused_however_SPF_puts_it(AuthenticationResult result)
    {
        receiver.Otherwise = result;
        var report = await receiver.Receives(Message, "b-1@shop.example", Receiver.Stranger);
        Assert.Equal((false, Fail, DmarcPolicy.Reject), (report.WouldPass, report.Dmarc.Result, report.Dmarc.Disposition));
        Assert.Equal(
        [
            Refused,
            $"SPF ({result.Word()}): The SPF record of shop.example lists 192.0.2.1, 192.0.2.2, 192.0.2.3; 203.0.113.9 is not among them.",
            "Send through a server that the SPF record of shop.example names; or, if 203.0.113.9 is yours, add ip4:203.0.113.9 to that record.",
            Unsigned,
            "DMARC (fail): " + Policy,
        ], report.Why);
    }

    [Fact]
    public async Task From_another_server_with_a_return_path_elsewhere_two_things_are_wrong()
    {
        var report = await receiver.Receives(Message, "b-1@mailer.example", Receiver.Stranger);
        Assert.False(report.WouldPass);
        Assert.Contains(report.Why, why => why.StartsWith("And even a pass would not count for DMARC: the return path is at mailer.example", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bounce_has_the_HELO_name_for_a_return_path()
    {
        Assert.False((await receiver.Receives(Message, "")).WouldPass);
        Assert.True((await receiver.Receives(Message.Replace("shop.example", "sender.example", StringComparison.Ordinal), "")).WouldPass);
    }

    [Theory]
    [InlineData("v=DMARC1; p=reject; aspf=s", DmarcPolicy.Reject)]
    [InlineData("v=DMARC1; p=quarantine; aspf=s", DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=reject; aspf=s; t=y", DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=none; aspf=s", DmarcPolicy.None)]
    public async Task Where_the_record_wants_the_same_name_a_subdomain_does_not_do(string record, DmarcPolicy disposition)
    {
        zone.Set("_dmarc.shop.example", DnsRecord.Txt(record));
        var report = await receiver.Receives(Message, "b-1@bounces.shop.example");
        Assert.Equal((false, Fail, disposition), (report.WouldPass, report.Dmarc.Result, report.Dmarc.Disposition));
        Assert.Contains(
            "SPF passed, but it does not count for DMARC: the return path is at bounces.shop.example, the From address at shop.example, and the DMARC record wants the same name "
            + "(aspf=s). Use a return path at shop.example, or take aspf=s out of the record.", report.Why);
        Assert.True((await receiver.Receives(Message, "b-1@shop.example")).WouldPass);
    }

    [Theory]
    [InlineData("k1")]
    [InlineData("k2")]
    public async Task Signed_with_either_key_it_passes_from_anywhere(string selector)
    {
        var report = await receiver.Receives(Handmade.Sign($"{Tags}d=shop.example; s={selector}", Message), "b-1@mailer.example", Receiver.Stranger);
        Assert.Equal((true, Pass, false, true), (report.WouldPass, report.Dmarc.Result, report.Dmarc.SpfAligned, report.Dmarc.DkimAligned));
        Assert.Contains($"DKIM (pass): the signature of shop.example (selector {selector}) holds, and shop.example is the From domain: it counts for DMARC.", report.Why);
    }

    [Fact]
    public async Task Signed_with_a_key_that_was_taken_out_too_early_it_is_refused()
    {
        zone.Txt("k0._domainkey.shop.example", "v=DKIM1; p=");
        var gone = await receiver.Receives(Handmade.Sign($"{Tags}d=shop.example; s=k3", Message), "b-1@mailer.example");
        Assert.Equal((false, Fail, PermError), (gone.WouldPass, gone.Dmarc.Result, Assert.Single(gone.Dkim).Result));
        Assert.Contains(
            "DKIM (permerror): the signature of shop.example (selector k3) does not count: no key for signature. Publish the key as a TXT record at k3._domainkey.shop.example, or sign "
            + "with a key that is published. During a rotation the old record stays until the last mail signed with it has arrived.", gone.Why);
        var revoked = await receiver.Receives(Handmade.Sign($"{Tags}d=shop.example; s=k0", Message), "b-1@mailer.example");
        Assert.Contains(revoked.Why, why => why.EndsWith("The owner withdrew the key at k0._domainkey.shop.example: sign with the one that replaced it.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Signed_for_another_domain_it_is_refused()
    {
        var report = await receiver.Receives(Handmade.Sign($"{Tags}d=mailer.example; s=m", Message), "b-1@mailer.example");
        Assert.Equal((false, Pass, false), (report.WouldPass, Assert.Single(report.Dkim).Result, report.Dmarc.DkimAligned));
        Assert.Contains(
            "DKIM (pass): the signature of mailer.example (selector m) holds. But it does not count for DMARC: mailer.example and the From address's shop.example are not of one "
            + "organization. Sign with d=shop.example.", report.Why);
    }

    [Fact]
    public async Task While_the_DNS_of_the_policy_is_down_nobody_can_say()
    {
        zone.Fail("_dmarc.shop.example", DnsFailure.ServFail);
        var report = await receiver.Receives(Message, "b-1@shop.example");
        Assert.Equal((false, TempError, DmarcPolicy.None), (report.WouldPass, report.Dmarc.Result, report.Dmarc.Disposition));
        Assert.Contains("DMARC: the DNS gave no answer for _dmarc.shop.example. Try again later; if it lasts, ask whoever runs the name servers.", report.Why);
    }

    public ValueTask DisposeAsync() => zone.DisposeAsync();
}
