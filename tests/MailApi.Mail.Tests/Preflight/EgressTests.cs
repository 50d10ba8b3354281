using System.Net;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

public sealed class EgressTests : IAsyncDisposable
{
    private readonly Preflighting shop = new();

    private static readonly byte[] Message = File.ReadAllBytes(TestData.At("preflight/01-order-in-english.eml"));

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task A_name_that_has_the_address_passes()
    {
        var checks = await Checks(Preflighting.Egress);
        Assert.Equal((CheckResult.Pass, CheckResult.Pass), (checks["reverseDns"].Result, checks["helo"].Result));
    }

    [Fact]
    public async Task One_of_several_names_suffices()
    {
        shop.Dns.Add("8.12.83.45.in-addr.arpa", DnsRecord.Reverse("gone.example"), DnsRecord.Reverse("two.shop.example")).A("two.shop.example", "45.83.12.8");
        Assert.Equal(CheckResult.Pass, (await Checks("45.83.12.8"))["reverseDns"].Result);
    }

    [Fact]
    public async Task An_address_without_a_name_fails_and_Gmail_says_so()
    {
        var checks = await Checks("45.83.12.9");
        Assert.Equal(CheckResult.Fail, checks["reverseDns"].Result);
        Assert.Contains("550 5.7.25", checks["gmail"].Reason, StringComparison.Ordinal);
        Assert.Equal(CheckResult.Warn, checks["helo"].Result);
    }

    [Fact]
    public async Task A_claimed_name_that_does_not_confirm_fails()
    {
        shop.Dns.Add("10.12.83.45.in-addr.arpa", DnsRecord.Reverse("mail.shop.example"));
        Assert.Equal(CheckResult.Fail, (await Checks("45.83.12.10"))["reverseDns"].Result);
    }

    [Fact]
    public async Task IPv6_is_confirmed_by_AAAA()
    {
        shop.Dns.Add("7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.4.2.0.2.0.a.2.ip6.arpa", DnsRecord.Reverse("six.shop.example")).Add("six.shop.example", DnsRecord.Aaaa("2a02:248::7"));
        Assert.Equal(CheckResult.Pass, (await Checks("2a02:248::7"))["reverseDns"].Result);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.1.2.3")]
    [InlineData("::1")]
    [InlineData(null)]
    public async Task A_private_address_cannot_be_judged(string? address)
    {
        var checks = await Checks(address);
        Assert.Equal((CheckResult.Warn, CheckResult.Warn), (checks["reverseDns"].Result, checks["helo"].Result));
        Assert.Contains("cannot be judged", checks["reverseDns"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_resolver_is_no_verdict()
    {
        shop.Dns.Fail("*", DnsFailure.ServFail);
        var checks = await Checks(Preflighting.Egress);
        Assert.Equal((CheckResult.Warn, CheckResult.Warn), (checks["reverseDns"].Result, checks["helo"].Result));
        Assert.Equal(CheckResult.Pass, checks["gmail"].Result);
    }

    [Theory]
    [InlineData("localhost", CheckResult.Fail)]
    [InlineData("missing.shop.example", CheckResult.Fail)]
    [InlineData("[45.83.12.7]", CheckResult.Fail)]
    public async Task The_greeting_must_be_a_name_with_an_address(string helo, CheckResult expected) =>
        Assert.Equal(expected, (await Checks(Preflighting.Egress, helo))["helo"].Result);

    private async Task<Dictionary<string, Check>> Checks(string? address, string helo = "mail.shop.example") =>
        (await shop.Run(Message, Preflighting.Facts with { EgressAddress = address is null ? null : IPAddress.Parse(address), HeloName = helo })).ToDictionary(check => check.Name);
}
