using System.Net;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

public sealed class BlocklistTests : IAsyncDisposable
{
    private const string Ip = "ip.list.example";
    private const string Domain = "dom.list.example";
    private const string Asked = "7.12.83.45.ip.list.example";
    private readonly Preflighting shop = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static BlocklistOptions Options => new() { AddressLists = [Ip], DomainLists = [Domain] };

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Theory]
    [InlineData("192.0.2.99", "99.2.0.192.ip.list.example")]
    [InlineData("2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip.list.example")] // RFC 5782 §2.4
    public void Addresses_are_asked_for_from_last_to_first(string address, string name) => Assert.Equal(name, Blocklists.Name(IPAddress.Parse(address), Ip));

    [Theory]
    [InlineData("127.0.0.2", BlocklistState.Listed)]
    [InlineData("127.0.0.10", BlocklistState.Listed)]
    [InlineData("127.0.1.106", BlocklistState.Listed)]
    [InlineData("127.0.0.1", BlocklistState.Refused)]
    [InlineData("127.255.255.252", BlocklistState.Refused)]
    [InlineData("127.255.255.254", BlocklistState.Refused)]
    [InlineData("127.255.255.255", BlocklistState.Refused)]
    [InlineData("203.0.113.5", BlocklistState.Unknown)] // a lapsed zone that someone has parked
    public async Task Codes_are_read_as_lists_mean_them(string code, BlocklistState expected)
    {
        shop.Dns.A(Asked, code).Txt(Asked, "https://list.example/why");
        var answer = Assert.Single(await Ask(new BlocklistOptions { AddressLists = [Ip] }));
        Assert.Equal((Ip, Preflighting.Egress, expected, code), (answer.List, answer.Subject, answer.State, answer.Codes[0]));
        if (expected == BlocklistState.Listed) Assert.Equal("https://list.example/why", answer.Text);
    }

    [Fact]
    public async Task What_no_list_knows_is_not_listed()
    {
        Assert.All(await Ask(Options), answer => Assert.Equal(BlocklistState.NotListed, answer.State));
        Assert.Equal([Asked, "shop.example.dom.list.example"], shop.Dns.Questions.Select(question => question.Name).Order());
    }

    [Fact]
    public async Task A_list_that_lists_everything_lists_nothing()
    {
        shop.Dns.A($"*.{Ip}", "127.0.0.2").A($"*.{Domain}", "127.0.1.2");
        Assert.All(await Ask(Options), answer => Assert.Equal(BlocklistState.Unknown, answer.State));
    }

    [Fact]
    public async Task A_list_that_fails_says_nothing()
    {
        shop.Dns.Fail($"*.{Ip}", DnsFailure.ServFail);
        Assert.Equal([BlocklistState.Unknown, BlocklistState.NotListed], (await Ask(Options)).Select(answer => answer.State));
    }

    [Fact]
    public async Task All_questions_together_have_one_deadline()
    {
        shop.Dns.Fail("*", DnsFailure.Timeout);
        var lists = Enumerable.Range(0, 40).Select(n => $"l{n}.example").ToList();
        var blocklists = new Blocklists(shop.Resolver(milliseconds: 60_000), new BlocklistOptions { AddressLists = lists, Patience = TimeSpan.FromMilliseconds(200), ConcurrencyMax = 4 }, TimeProvider.System);

        var asked = blocklists.Ask([IPAddress.Parse(Preflighting.Egress)], [], Ct);

        Assert.All(await asked.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Ct), answer => Assert.Equal(BlocklistState.Unknown, answer.State));
    }

    [Fact]
    public async Task Nobody_is_asked_by_default_nor_about_private_addresses()
    {
        Assert.Empty(await Ask(new BlocklistOptions()));
        Assert.Empty(await new Blocklists(shop.Resolver(), new BlocklistOptions { AddressLists = [Ip] }, TimeProvider.System).Ask([IPAddress.Loopback, IPAddress.Parse("10.0.0.1")], [], Ct));
        Assert.Empty(shop.Dns.Questions);
    }

    [Theory]
    [InlineData("127.0.0.2", CheckResult.Fail)]
    [InlineData("127.255.255.254", CheckResult.Warn)]
    [InlineData(null, CheckResult.Pass)]
    public async Task The_check_tells_listed_from_refused(string? code, CheckResult expected)
    {
        if (code is not null) shop.Dns.A(Asked, code);
        var checks = await shop.Inspection(Options).Run(await File.ReadAllBytesAsync(TestData.At("preflight/01-order-in-english.eml"), Ct), Preflighting.Facts, Ct);
        Assert.Equal(expected, checks.Single(check => check.Name == "blocklists").Result);
        Assert.Contains(shop.Dns.Questions, question => question.Name == "www.shop.example.dom.list.example");
    }

    private Task<IReadOnlyList<BlocklistAnswer>> Ask(BlocklistOptions options) =>
        new Blocklists(shop.Resolver(), options, TimeProvider.System).Ask([IPAddress.Parse(Preflighting.Egress)], ["shop.example"], Ct);
}
