using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Tests.Dkim;
using MailApi.Testing;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Authentication;

public sealed class ArcChainTests : IAsyncDisposable
{
    private const string Message = "From: Shop <orders@shop.example>\r\nTo: list@example.net\r\nSubject: Order\r\n\r\nHello Ann.\r\n";
    private readonly DnsZone zone = DnsZone.Start();

    public ArcChainTests() => zone.Txt("m1._domainkey.relay.example", Handmade.Record).Txt("m1._domainkey.list.example", Handmade.Record);

    [Fact]
    public async Task A_message_without_seals_has_no_chain() => Assert.Equal(new ArcVerdict(None, 0, "", null), await Verdict(Message));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(50)]
    public async Task A_chain_that_every_relay_continued_passes(int sets)
    {
        var message = Message;
        for (var i = 1; i <= sets; i++) message = Handmade.Seal(message, i, i == 1 ? "none" : "pass", i == sets ? "list.example" : "relay.example");
        Assert.Equal(new ArcVerdict(Pass, sets, "list.example", null), await Verdict(message));
    }

    [Fact]
    public async Task Only_the_last_message_signature_must_still_match()
    {
        var changed = Handmade.Seal(Message, 1, "none").Replace("Subject: Order", "Subject: [list] Order", StringComparison.Ordinal);
        Assert.Equal((Fail, "the last message signature (relay.example) does not hold: the signature does not match the header"), Said(await Verdict(changed)));
        Assert.Equal(Pass, (await Verdict(Handmade.Seal(changed, 2, "pass", "list.example"))).Result);
    }

    public static TheoryData<string, string, string> Broken
    {
        get
        {
            var one = Handmade.Seal(Message, 1, "none");
            var two = Handmade.Seal(one, 2, "pass");
            return new TheoryData<string, string, string>
            {
                { "body changed", two + "more\r\n", "the last message signature (relay.example) does not hold: the body hash does not match the body" },
                { "results changed", two.Replace("i=1; relay.example; spf=pass", "i=1; relay.example; spf=fail", StringComparison.Ordinal), "seal 2 (relay.example): its signature does not match the chain" },
                { "last results changed", two.Replace("i=2; relay.example; spf=pass", "i=2; relay.example; spf=fail", StringComparison.Ordinal), "seal 2 (relay.example): its signature does not match the chain" },
                { "first cv", Handmade.Seal(Message, 1, "pass"), "the cv= of seal 1 is not what it must be" },
                { "second cv none", Handmade.Seal(one, 2, "none"), "the cv= of seal 2 is not what it must be" },
                { "found broken", Handmade.Seal(one, 2, "fail"), "relay 2 found the chain broken already" },
                { "no cv", Handmade.Seal(Message, 1, "", seal: "i=1; a=rsa-sha256; d=relay.example; s=m1"), "the cv= of seal 1 is not what it must be" },
                { "gap", Handmade.Seal(Message, 2, "pass"), "set 1 is not complete" },
                { "h= in a seal", Handmade.Seal(Message, 1, "none", seal: "i=1; a=rsa-sha256; cv=none; d=relay.example; s=m1; h=from"), "seal 1 has an h=" },
                { "no s= in a seal", Handmade.Seal(Message, 1, "none", seal: "i=1; a=rsa-sha256; cv=none; d=relay.example"), "seal 1 has no s=" },
                { "rsa-sha1", Handmade.Seal(Message, 1, "none", sealAlgorithm: "rsa-sha1"), "seal 1: rsa-sha1 is refused (RFC 8301)" },
                { "number 0", one.Replace("i=1;", "i=0;", StringComparison.Ordinal), "an ARC-Seal has no number from 1 to 50" },
                { "number 51", one.Replace("i=1;", "i=51;", StringComparison.Ordinal), "an ARC-Seal has no number from 1 to 50" },
                { "number one", one.Replace("i=1;", "i=one;", StringComparison.Ordinal), "an ARC-Seal has no number from 1 to 50" },
                { "no results", one.Replace("ARC-Authentication-Results", "X-Results", StringComparison.Ordinal), "set 1 is not complete" },
                { "no signature", one.Replace("ARC-Message-Signature", "X-Signature", StringComparison.Ordinal), "set 1 is not complete" },
                { "no seal", one.Replace("ARC-Seal", "X-Seal", StringComparison.Ordinal), "set 1 is not complete" },
                { "results twice", "ARC-Authentication-Results: i=1; x\r\n" + one, "there are two ARC-Authentication-Results fields of number 1" },
                { "tag twice", one.Replace("cv=none", "cv=none; cv=none", StringComparison.Ordinal), "an ARC-Seal is no list of tags" },
                { "seal covered", Handmade.Seal(Message, 1, "none", names: "from:arc-seal"), "the last message signature covers ARC-Seal" },
                { "From not covered", Handmade.Seal(Message, 1, "none", names: "to:subject"), "the last message signature (relay.example) does not hold: From is not signed" },
                { "no key", Handmade.Seal(Message, 1, "none", "gone.example"), "the last message signature (gone.example) does not hold: no key for signature" },
                { "no key of an older seal", Handmade.Seal(Handmade.Seal(Message, 1, "none", "gone.example"), 2, "pass"), "seal 1 (gone.example): no key for signature" },
                { "no answer for an older seal", Handmade.Seal(Handmade.Seal(Message, 1, "none", "slow.example"), 2, "pass"), "seal 1: the key could not be looked up" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_broken_chain_fails_and_says_where(string what, string message, string reason)
    {
        zone.Fail("m1._domainkey.slow.example", DnsFailure.ServFail);
        Assert.Equal((what, Fail, reason), (what, Said(await Verdict(message)).Result, Said(await Verdict(message)).Reason));
    }

    [Fact]
    public async Task More_than_fifty_sets_or_half_a_megabyte_are_refused_without_a_question()
    {
        var many = string.Concat(Enumerable.Range(1, 51).Select(i => $"ARC-Seal: i={i}; b=\r\nARC-Message-Signature: i={i}; b=\r\nARC-Authentication-Results: i={i}; x\r\n"));
        Assert.Equal((Fail, "there are more than 50 sets"), Said(await Verdict(many + Message)));
        Assert.Equal((Fail, "its fields are larger than any chain needs"), Said(await Verdict($"ARC-Seal: i=1; x={new string('x', 600_000)}\r\n{Message}")));
        Assert.Empty(zone.Questions);
    }

    [Fact]
    public async Task A_chain_that_holds_is_told_to_the_reader_of_a_refused_message()
    {
        zone.Txt("_dmarc.shop.example", "v=DMARC1; p=reject");
        var report = await new Receiver(zone).Receives(Handmade.Seal(Message, 1, "none", "list.example"), "bounces@list.example");
        Assert.Equal((Pass, Fail), (report.Arc.Result, report.Dmarc.Result));
        Assert.Contains("ARC: one relay passed the message on, the last list.example, and the chain of seals holds: a receiver that trusts list.example may believe what it found.", report.Why);
    }

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    private static (AuthenticationResult Result, string? Reason) Said(ArcVerdict verdict) => (verdict.Result, verdict.Reason);

    private Task<ArcVerdict> Verdict(string message) =>
        ArcChain.Verify(Encoding.Latin1.GetBytes(message), Receiver.Dns(zone), FixedTime.Now, TestContext.Current.CancellationToken);
}
