using System.Net;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Routing;

public sealed class DnsResolverTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static DnsResolver Asking(DnsZone dns, TimeProvider? time = null, bool ipv6 = true, TimeSpan? patience = null) =>
        new(new DnsOptions { Servers = [dns.EndPoint], Timeout = patience ?? Patience, Retries = 0, Deadline = patience ?? Patience, UseIPv6 = ipv6 }, time ?? TimeProvider.System);

    [Fact]
    public async Task Mail_exchangers_come_in_order_of_preference()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 20, "B.a.test").Mx("a.test", 10, "a.a.test");

        var found = Assert.IsType<DnsAnswer<MxHost>.Found>(await Asking(dns).Mx("a.test", Ct));

        Assert.Equal([new MxHost("a.a.test", 10), new MxHost("b.a.test", 20)], found.Values);
    }

    [Fact]
    public async Task Absence_and_ignorance_are_told_apart()
    {
        await using var dns = DnsZone.Start().Add("empty.test").Fail("broken.test", DnsFailure.ServFail).Fail("closed.test", DnsFailure.Refused);
        var resolver = Asking(dns);

        Assert.IsType<DnsAnswer<MxHost>.NoSuchDomain>(await resolver.Mx("missing.test", Ct));
        Assert.IsType<DnsAnswer<MxHost>.NoData>(await resolver.Mx("empty.test", Ct));
        Assert.IsType<DnsAnswer<MxHost>.Failed>(await resolver.Mx("broken.test", Ct));
        Assert.IsType<DnsAnswer<MxHost>.Failed>(await resolver.Mx("closed.test", Ct));
        Assert.IsType<DnsAnswer<string>.NoSuchDomain>(await resolver.Txt("missing.test", Ct));
        Assert.IsType<DnsAnswer<IPAddress>.NoSuchDomain>(await resolver.Addresses("missing.test", Ct));
        Assert.IsType<DnsAnswer<IPAddress>.NoData>(await resolver.Addresses("empty.test", Ct));
        Assert.IsType<DnsAnswer<IPAddress>.Failed>(await resolver.Addresses("broken.test", Ct));
    }

    [Theory, InlineData("localhost"), InlineData("LOCALHOST."), InlineData("hooks.localhost")]
    public async Task Localhost_is_this_machine_whatever_the_DNS_says(string name)
    {
        await using var dns = DnsZone.Start().A("localhost", "192.0.2.1").Fail("*", DnsFailure.Timeout);
        Assert.Equal([IPAddress.Loopback], Assert.IsType<DnsAnswer<IPAddress>.Found>(await Asking(dns).Addresses(name, Ct)).Values);
    }

    [Fact]
    public async Task Silence_is_a_failure()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Timeout);

        Assert.Equal(new DnsAnswer<MxHost>.Failed("no answer"), await Asking(dns, patience: TimeSpan.FromMilliseconds(500)).Mx("a.test", Ct));
    }

    [Fact]
    public async Task Cancellation_is_not_taken_for_a_failure()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Timeout);
        using var cancel = new CancellationTokenSource();
        var asked = Asking(dns).Mx("a.test", cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task A_truncated_answer_is_asked_for_again_over_TCP()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Truncated).Add("a.test", DnsRecord.Strings("v=spf1 "u8.ToArray(), "-all"u8.ToArray()));

        var found = Assert.IsType<DnsAnswer<string>.Found>(await Asking(dns).Txt("a.test", Ct));

        Assert.Equal(["v=spf1 -all"], found.Values);
        Assert.Equal([new("a.test", DnsType.Txt, false), new("a.test", DnsType.Txt, true)], dns.Questions);
    }

    [Theory]
    [InlineData("192.0.2.7", "7.2.0.192.in-addr.arpa")]
    [InlineData("::ffff:192.0.2.7", "7.2.0.192.in-addr.arpa")]
    [InlineData("2001:db8::7", "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")]
    public async Task The_names_of_an_address_are_looked_up_in_reverse(string address, string name)
    {
        await using var dns = DnsZone.Start().Add(name, DnsRecord.Reverse("Out.a.test"));

        Assert.Equal(["out.a.test"], Assert.IsType<DnsAnswer<string>.Found>(await Asking(dns).Names(IPAddress.Parse(address), Ct)).Values);
    }

    [Fact]
    public async Task Addresses_are_IPv4_first()
    {
        await using var dns = DnsZone.Start().Addresses("a.test", "2001:db8::1", "192.0.2.1");

        var both = Assert.IsType<DnsAnswer<IPAddress>.Found>(await Asking(dns).Addresses("a.test", Ct));
        var v4 = Assert.IsType<DnsAnswer<IPAddress>.Found>(await Asking(dns, ipv6: false).Addresses("a.test", Ct));

        Assert.Equal(["192.0.2.1", "2001:db8::1"], both.Values.Select(address => address.ToString()));
        Assert.Equal(["192.0.2.1"], v4.Values.Select(address => address.ToString()));
    }

    [Theory]
    [InlineData("192.0.2.7")]
    [InlineData("2001:db8::7")]
    public async Task An_address_literal_is_not_looked_up(string literal)
    {
        await using var dns = DnsZone.Start();

        var found = Assert.IsType<DnsAnswer<IPAddress>.Found>(await Asking(dns).Addresses(literal, Ct));

        Assert.Equal([IPAddress.Parse(literal)], found.Values);
        Assert.Empty(dns.Questions);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\nb.test")]
    [InlineData("a..test")]
    [InlineData("bücher.test")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test")]
    public async Task A_name_that_cannot_exist_is_not_looked_up(string name)
    {
        await using var dns = DnsZone.Start();

        Assert.IsType<DnsAnswer<MxHost>.NoSuchDomain>(await Asking(dns).Mx(name, Ct));
        Assert.Empty(dns.Questions);
    }

    [Fact]
    public async Task Answers_last_as_long_as_they_say_but_no_longer_than_an_hour()
    {
        var time = new SettableTime();
        await using var dns = DnsZone.Start().Mx("long.test", 1, "a.test").Add("empty.test");
        dns.TimeToLive = TimeSpan.FromSeconds(90_000);
        var resolver = Asking(dns, time);
        async Task Ask()
        {
            await resolver.Mx("long.test", Ct);
            await resolver.Mx("LONG.test.", Ct);
            await resolver.Mx("empty.test", Ct);
        }

        await Ask();
        await Ask();
        Assert.Equal(["long.test", "empty.test"], dns.Questions.Select(question => question.Name));

        time.Now += DnsResolver.NegativeAgeMax;
        await Ask();
        Assert.Equal(3, dns.Questions.Count);

        time.Now += TimeSpan.FromHours(1);
        await Ask();
        Assert.Equal(5, dns.Questions.Count);
    }

    [Fact]
    public async Task A_failure_is_remembered_briefly()
    {
        var time = new SettableTime();
        await using var dns = DnsZone.Start().Fail("a.test", DnsFailure.ServFail);
        var resolver = Asking(dns, time);

        await resolver.Mx("a.test", Ct);
        await resolver.Mx("a.test", Ct);
        Assert.Single(dns.Questions);

        time.Now += DnsResolver.FailureAge;
        await resolver.Mx("a.test", Ct);
        Assert.Equal(2, dns.Questions.Count);
    }

    [Fact]
    public async Task An_answer_without_a_lifetime_is_not_kept()
    {
        await using var dns = DnsZone.Start().Mx("a.test", 1, "b.test");
        dns.TimeToLive = TimeSpan.FromSeconds(0);
        var resolver = Asking(dns);

        await resolver.Mx("a.test", Ct);
        await resolver.Mx("a.test", Ct);

        Assert.Equal(2, dns.Questions.Count);
    }

    [Fact]
    public async Task Of_too_many_records_the_best_are_kept()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Truncated);
        for (var i = 200; i > 0; i--) dns.Mx("a.test", (ushort)i, $"mx{i}.test").Txt("a.test", $"{i}").Addresses("a.test", $"192.0.2.{i}");
        var resolver = Asking(dns);

        var mx = Assert.IsType<DnsAnswer<MxHost>.Found>(await resolver.Mx("a.test", Ct));
        var txt = Assert.IsType<DnsAnswer<string>.Found>(await resolver.Txt("a.test", Ct));
        var addresses = Assert.IsType<DnsAnswer<IPAddress>.Found>(await resolver.Addresses("a.test", Ct));

        Assert.Equal(Enumerable.Range(1, DnsResolver.MxMax), mx.Values.Select(host => host.Preference));
        Assert.Equal(DnsResolver.TxtMax, txt.Values.Count);
        Assert.Equal(DnsResolver.AddressesMax, addresses.Values.Count);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("127.0.0.1:5353", 1)]
    [InlineData("192.0.2.1, [2001:db8::1]:54 ,192.0.2.2:1053", 3)]
    public void Servers_are_read_from_text(string text, int count)
    {
        Assert.True(DnsOptions.TryParseServers(text, out var servers));
        Assert.Equal(count, servers.Count);
        Assert.DoesNotContain(servers, server => server.Port == 0);
    }

    [Theory]
    [InlineData("dns.test")]
    [InlineData("192.0.2.1:x")]
    public void What_is_no_address_is_no_server(string text) => Assert.False(DnsOptions.TryParseServers(text, out _));

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
