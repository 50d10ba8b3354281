using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Dkim;

/// <summary>Tags of signatures and of key records, with the keys in a DNS server.</summary>
public sealed class TagTests : IAsyncLifetime
{
    private const string Message = "From: Shop <orders@shop.example>\r\nTo: ann@example.net\r\nSubject: Order\r\n\r\nHello Ann.\r\n";
    private const string Tags = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=m1; h=from:to:subject";
    private readonly DnsZone zone = DnsZone.Start();

    [Theory]
    [InlineData("", Pass, null)]
    // RFC 6376 §3.5: t= and x=.
    [InlineData("; t={0}", Pass, null)]
    [InlineData("; t={+299}", Pass, null)]
    [InlineData("; t={+301}", Neutral, "the signature was made in the future")]
    [InlineData("; t={-100}; x={-1}", Fail, "the signature has expired")]
    [InlineData("; t={-100}; x={0}", Pass, null)]
    [InlineData("; t={-100}; x={-100}", Neutral, "x= is not later than t=")]
    [InlineData("; x=99999999999999999999999999", Pass, null)]
    [InlineData("; x=", Neutral, "x= is no number")]
    [InlineData("; t=-1", Neutral, "t= is no number")]
    [InlineData("; t=1 2", Neutral, "t= is no number")]
    // i=
    [InlineData("; i=@shop.example", Pass, null)]
    [InlineData("; i=ann@sub.SHOP.example", Pass, null)]
    [InlineData("; i=\"a@b\"@shop.example", Pass, null)]
    [InlineData("; i=@myshop.example", Neutral, "i= is not within d=")]
    [InlineData("; i=shop.example", Neutral, "i= is not within d=")]
    // Others.
    [InlineData("; q=dns/txt", Pass, null)]
    [InlineData("; q=http", Neutral, "q= knows no dns/txt")]
    [InlineData("; unknown=tag", Pass, null)]
    [InlineData("; z=From:a|To:b", Pass, null)]
    public async Task A_tag_of_a_signature_does_what_the_RFC_says(string tags, AuthenticationResult result, string? reason)
    {
        zone.Txt("m1._domainkey.shop.example", Handmade.Record);
        var verdict = await Verdict(Handmade.Sign(Tags + Instants(tags), Message));
        Assert.Equal((result, reason), (verdict.Result, verdict.Reason));
    }

    [Theory]
    [InlineData("v=DKIM1; k=rsa; {p}", Pass, null)]
    [InlineData("{p}", Pass, null)]
    [InlineData("{p}; n=a note; g=*; x=unknown", Pass, null)]
    [InlineData("k=rsa; v=DKIM1; {p}", PermError, "the key record has another version")]
    [InlineData("v=DKIM1; {p}; s=email:other", Pass, null)]
    [InlineData("v=DKIM1; {p}; s=other", PermError, "the key is not for email")]
    [InlineData("v=DKIM1; {p}; h=sha1:sha256", Pass, null)]
    [InlineData("v=DKIM1; {p}; h=sha1", PermError, "the key record forbids sha256")]
    [InlineData("v=DKIM1; k=ed25519; {p}", PermError, "the key is for another algorithm")]
    [InlineData("v=DKIM1; k=dsa; {p}", PermError, "the key is for another algorithm")]
    [InlineData("v=DKIM1; {p}; t=y:s", Pass, null)]
    [InlineData("v=DKIM1; p=", PermError, "the key is revoked")]
    [InlineData("v=DKIM1; p=    ", PermError, "the key is revoked")]
    [InlineData("v=DKIM1; k=rsa", PermError, "the key record is malformed")]
    [InlineData("v=DKIM1; p=MIIB", PermError, "the key record is malformed")]
    [InlineData("v=spf1 -all", PermError, "the key record is malformed")]
    [InlineData("", PermError, "the key record is malformed")]
    [InlineData("v=DKIM1; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", PermError, "the key record is malformed")]
    public async Task A_key_record_does_what_the_RFC_says(string record, AuthenticationResult result, string? reason)
    {
        zone.Txt("m1._domainkey.shop.example", record.Replace("{p}", Handmade.Record[(Handmade.Record.IndexOf("p=", StringComparison.Ordinal))..], StringComparison.Ordinal));
        var verdict = await Verdict(Handmade.Sign(Tags, Message));
        Assert.Equal((result, reason), (verdict.Result, verdict.Reason));
    }

    [Fact]
    public async Task A_failure_under_a_key_in_test_counts_as_unsigned()
    {
        zone.Txt("m1._domainkey.shop.example", "t=y; " + Handmade.Record["v=DKIM1; ".Length..]);
        var verdict = await Verdict(Handmade.Sign(Tags, Message).Replace("Hello Ann", "Hello Bob", StringComparison.Ordinal));
        Assert.Equal((Neutral, "the body hash does not match the body; the key is published as a test (t=y), so this counts as unsigned"), (verdict.Result, verdict.Reason));
    }

    [Theory]
    [InlineData(0, Pass)]
    [InlineData(5, Pass)]
    [InlineData(12, Pass)]
    [InlineData(13, Fail)]
    public async Task A_length_covers_the_beginning_of_the_body(int length, AuthenticationResult result)
    {
        zone.Txt("m1._domainkey.shop.example", Handmade.Record);
        // The body has twelve octets.
        var message = Handmade.Sign($"{Tags}; l={length}", Message, Math.Min(length, 12));
        Assert.Equal(result, (await Verdict(message)).Result);
        Assert.Equal(length < 12 ? Pass : Fail, (await Verdict(length == 13 ? message : message.Replace("Ann.\r\n", "Ann!\r\n", StringComparison.Ordinal))).Result);
    }

    [Fact]
    public async Task Of_several_records_at_a_selector_one_that_fits_is_enough()
    {
        zone.Txt("m1._domainkey.shop.example", "v=spf1 -all").Txt("m1._domainkey.shop.example", "v=DKIM1; p=").Txt("m1._domainkey.shop.example", Handmade.Record);
        Assert.Equal(Pass, (await Verdict(Handmade.Sign(Tags, Message))).Result);
    }

    [Fact]
    public async Task A_signature_that_lists_its_own_field_does_not_cover_itself()
    {
        zone.Txt("m1._domainkey.shop.example", Handmade.Record);
        Assert.Equal(Pass, (await Verdict(Handmade.Sign(Tags + ":dkim-signature", Message))).Result);
    }

    [Theory]
    [InlineData(DnsFailure.ServFail, TempError, "the key could not be looked up")]
    [InlineData(DnsFailure.Refused, TempError, "the key could not be looked up")]
    [InlineData(DnsFailure.Timeout, TempError, "the key could not be looked up")]
    [InlineData(DnsFailure.NxDomain, PermError, "no key for signature")]
    [InlineData(DnsFailure.Truncated, Pass, null)]
    public async Task What_the_DNS_does_decides_between_temporary_and_permanent(DnsFailure failure, AuthenticationResult result, string? reason)
    {
        zone.Txt("m1._domainkey.shop.example", Handmade.Record).Fail("m1._domainkey.shop.example", failure);
        var verdict = Assert.Single(await Verdicts(Handmade.Sign(Tags, Message), isSilent: failure == DnsFailure.Timeout));
        Assert.Equal((result, reason), (verdict.Result, verdict.Reason));
    }

    [Fact]
    public async Task Every_signature_is_judged_for_itself()
    {
        zone.Txt("m1._domainkey.shop.example", Handmade.Record).Txt("m1._domainkey.relay.example", "v=DKIM1; p=").Fail("m1._domainkey.slow.example", DnsFailure.ServFail);
        var message = Handmade.Sign(Tags.Replace("d=shop", "d=slow", StringComparison.Ordinal), Handmade.Sign(Tags.Replace("d=shop", "d=relay", StringComparison.Ordinal), Handmade.Sign(Tags, Message)));
        Assert.Equal([TempError, PermError, Pass], (await Verdicts(message)).Select(verdict => verdict.Result));
    }

    /// <summary>A message and its signatures, with octets changed, dropped and doubled at every place in turn.</summary>
    [Fact]
    public async Task Damaged_messages_are_judged_and_never_thrown_at()
    {
        zone.Txt("m1._domainkey.shop.example", Handmade.Record);
        var message = Handmade.Sign(Tags + Instants("; t={0}; x={+9}; i=@shop.example; l=5"), Message, 5);
        var dns = Dns();
        for (var i = 0; i < message.Length; i += 7)
        {
            foreach (var damaged in new[] { message[..i], message.Remove(i, 1), message.Insert(i, "\0"), message.Insert(i, ";="), message.Insert(i, "\r\n"), message[..i] + (char)(message[i] ^ 0x80) + message[(i + 1)..] })
            {
                var verdicts = await Verifier.Verify(Encoding.Latin1.GetBytes(damaged), dns, FixedTime.Now, TestContext.Current.CancellationToken);
                Assert.All(verdicts, verdict => Assert.Contains(verdict.Result, (AuthenticationResult[])[Pass, Fail, Neutral, PermError, TempError]));
            }
        }
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    private DnsResolver Dns(bool isSilent = false)
    {
        var patience = isSilent ? TimeSpan.FromMilliseconds(300) : TimeSpan.FromSeconds(10);
        return new(new DnsOptions { Servers = [zone.EndPoint], Timeout = patience, Retries = 0, Deadline = patience, UseIPv6 = false }, TimeProvider.System);
    }

    private Task<IReadOnlyList<SignatureVerdict>> Verdicts(string message, bool isSilent = false) =>
        Verifier.Verify(Encoding.Latin1.GetBytes(message), Dns(isSilent), FixedTime.Now, TestContext.Current.CancellationToken);

    private async Task<SignatureVerdict> Verdict(string message) => Assert.Single(await Verdicts(message));

    /// <summary><c>{+5}</c> is five seconds from now.</summary>
    private static string Instants(string tags) => System.Text.RegularExpressions.Regex.Replace(
        tags, @"\{([+-]?\d+)\}", match => $"{FixedTime.Now.GetUtcNow().ToUnixTimeSeconds() + int.Parse(match.Groups[1].Value)}");
}
