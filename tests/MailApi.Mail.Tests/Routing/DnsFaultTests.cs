using System.Net;
using System.Net.Sockets;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Routing;

/// <summary>Servers that are broken, slow, or lie.</summary>
public sealed class DnsFaultTests
{
    private static readonly DnsAnswer<string> NoAnswer = new DnsAnswer<string>.Failed("no answer");

    /// <summary>For servers that are silent on purpose.</summary>
    private static readonly TimeSpan Impatience = TimeSpan.FromMilliseconds(300);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static DnsOptions Options(params IReadOnlyList<DnsZone> servers) =>
        new() { Servers = [.. servers.Select(server => server.EndPoint)], Timeout = TimeSpan.FromSeconds(10), Retries = 0, Deadline = TimeSpan.FromSeconds(10) };

    private static DnsResolver Asking(params IReadOnlyList<DnsZone> servers) => new(Options(servers), TimeProvider.System);

    private static string Word<T>(DnsAnswer<T> answer) => answer switch
    {
        DnsAnswer<T>.Found found => string.Join(' ', found.Values),
        DnsAnswer<T>.NoData => "no data",
        DnsAnswer<T>.NoSuchDomain => "no such domain",
        DnsAnswer<T>.Failed failed => $"failed: {failed.Reason}",
        _ => "?",
    };

    [Theory]
    [InlineData(DnsFailure.ServFail, "failed: SERVFAIL")]
    [InlineData(DnsFailure.Refused, "failed: REFUSED")]
    [InlineData(DnsFailure.Timeout, "failed: no answer")]
    [InlineData(DnsFailure.NxDomain, "no such domain")]
    [InlineData(DnsFailure.Truncated, "here")]
    [InlineData(DnsFailure.WrongId, "failed: no answer")]
    [InlineData(DnsFailure.Forged, "here")]
    [InlineData(DnsFailure.WrongQuestion, "failed: no answer")]
    [InlineData(DnsFailure.Garbage, "failed: an unreadable answer")]
    [InlineData(DnsFailure.Empty, "no data")]
    [InlineData(DnsFailure.Lame, "failed: a lame delegation")]
    [InlineData(DnsFailure.OtherName, "no data")]
    public async Task Each_fault_has_its_answer(DnsFailure fault, string expected)
    {
        await using var dns = DnsZone.Start().Txt("a.test", "here").Fail("a.test", fault);
        var options = Options(dns);
        if (expected == "failed: no answer") options = options with { Timeout = Impatience };

        Assert.Equal(expected, Word(await new DnsResolver(options, TimeProvider.System).Txt("a.test", Ct)));
    }

    [Theory]
    [InlineData(DnsFailure.ServFail)]
    [InlineData(DnsFailure.Refused)]
    [InlineData(DnsFailure.Timeout)]
    [InlineData(DnsFailure.Garbage)]
    [InlineData(DnsFailure.Lame)]
    [InlineData(DnsFailure.WrongId)]
    public async Task The_next_server_is_asked_in_place_of_a_faulty_one(DnsFailure fault)
    {
        await using var faulty = DnsZone.Start().Fail("*", fault);
        await using var sound = DnsZone.Start().Txt("a.test", "here");
        // The sound one may be late as well, on a slow machine: then both are asked again.
        var options = Options(faulty, sound) with { Timeout = Impatience, Retries = 20 };

        Assert.Equal("here", Word(await new DnsResolver(options, TimeProvider.System).Txt("a.test", Ct)));
    }

    [Fact]
    public async Task All_servers_and_tries_share_one_deadline()
    {
        await using var one = DnsZone.Start().Fail("*", DnsFailure.Timeout);
        await using var other = DnsZone.Start().Fail("*", DnsFailure.Timeout);
        var options = Options(one, other) with { Timeout = TimeSpan.FromSeconds(20), Retries = 5, Deadline = TimeSpan.FromMilliseconds(200) };
        var start = TimeProvider.System.GetTimestamp();

        Assert.Equal(NoAnswer, await new DnsResolver(options, TimeProvider.System).Txt("a.test", Ct));
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.FromMilliseconds(150), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_silent_server_is_asked_again()
    {
        await using var dns = DnsZone.Start().Fail("*", DnsFailure.Timeout);

        await new DnsResolver(Options(dns) with { Timeout = TimeSpan.FromMilliseconds(50), Retries = 2 }, TimeProvider.System).Txt("a.test", Ct);

        // The last question may still be on its way when nobody waits for its answer any more.
        await Eventually.HoldsAsync(() => dns.Asked("a.test", DnsType.Txt) == 3, TimeSpan.FromSeconds(60), "asked three times", Ct);
    }

    [Fact]
    public async Task A_server_that_nobody_runs_is_no_answer()
    {
        using var reserved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new DnsOptions { Servers = [(IPEndPoint)reserved.LocalEndPoint!], Retries = 1 };

        Assert.Equal(NoAnswer, await new DnsResolver(options, TimeProvider.System).Txt("a.test", Ct));
    }

    [Fact]
    public async Task Who_asks_the_same_at_once_shares_one_question()
    {
        await using var dns = DnsZone.Start().Txt("a.test", "here").Hold("a.test");
        var resolver = new DnsResolver(Options(dns) with { Timeout = TimeSpan.FromSeconds(30), Deadline = TimeSpan.FromSeconds(30) }, TimeProvider.System);
        using var cancel = new CancellationTokenSource();
        var impatient = resolver.Txt("a.test", cancel.Token);
        var patient = Enumerable.Range(0, 20).Select(_ => resolver.Txt("A.test.", Ct)).ToArray();
        await Eventually.HoldsAsync(() => dns.Asked("a.test", DnsType.Txt) == 1, TimeSpan.FromSeconds(60), "asked", Ct);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        await dns.ReleaseAsync("a.test");

        Assert.All(await Task.WhenAll(patient), answer => Assert.Equal("here", Word(answer)));
        Assert.Equal(1, dns.Asked("a.test", DnsType.Txt));
    }

    [Fact]
    public async Task Only_so_many_questions_are_open_at_once()
    {
        await using var dns = DnsZone.Start().Txt("*.test", "here").Hold("*");
        var patient = Options(dns) with { Timeout = TimeSpan.FromSeconds(30), Deadline = TimeSpan.FromSeconds(30) };
        var resolver = new DnsResolver(patient, TimeProvider.System);

        var answers = Enumerable.Range(0, DnsResolver.LookupsMax + 50).Select(i => resolver.Txt($"n{i}.test", Ct)).ToArray();
        // Packets arrive in their order: when the last is there, so is what was sent before it.
        var last = new DnsResolver(patient, TimeProvider.System).Txt("last.test", Ct);
        await Eventually.HoldsAsync(() => dns.Asked("last.test", DnsType.Txt) == 1, TimeSpan.FromSeconds(60), "asked", Ct);
        Assert.InRange(dns.Questions.Count, 2, DnsResolver.LookupsMax + 1);
        await dns.ReleaseAsync("*");

        Assert.All(await Task.WhenAll([.. answers, last]), answer => Assert.Equal("here", Word(answer)));
    }

    [Fact]
    public async Task Aliases_are_followed_and_only_their_end_is_believed()
    {
        await using var dns = DnsZone.Start().Cname("a.test", "B.test").Cname("b.test", "c.test").Txt("c.test", "here")
            .Cname("dangling.test", "missing.test").Cname("bare.test", "c.test").Cname("self.test", "self.test").Cname("x.test", "y.test").Cname("y.test", "x.test");
        for (var i = 0; i < 20; i++) dns.Cname($"n{i}.test", $"n{i + 1}.test");
        var resolver = Asking(dns);

        Assert.Equal("here", Word(await resolver.Txt("a.test", Ct)));
        Assert.Equal("no data", Word(await resolver.Mx("a.test", Ct)));
        Assert.Equal("no such domain", Word(await resolver.Txt("dangling.test", Ct)));
        Assert.Equal("b.test", Word(await resolver.Cname("a.test", Ct)));
        Assert.Equal("no data", Word(await resolver.Cname("c.test", Ct)));
        foreach (var endless in (string[])["self.test", "x.test", "n0.test"]) Assert.Equal("failed: the aliases have no end", Word(await resolver.Txt(endless, Ct)));
    }

    [Fact]
    public async Task Texts_of_many_strings_and_of_any_octets_are_read()
    {
        await using var dns = DnsZone.Start()
            .Add("many.test", DnsRecord.Strings([.. Enumerable.Range(0, 300).Select(i => new[] { (byte)('a' + (i % 26)) })]))
            .Add("utf8.test", DnsRecord.Strings("grün"u8.ToArray()))
            .Add("odd.test", DnsRecord.Strings([0, 0xFF, 0x80, (byte)'a']))
            .Txt("none.test", "")
            .Add("huge.test", DnsRecord.Strings([.. Enumerable.Repeat("0123456789"u8.ToArray(), 5_900)]));
        var resolver = Asking(dns);

        Assert.Equal(300, Word(await resolver.Txt("many.test", Ct)).Length);
        Assert.Equal("grün", Word(await resolver.Txt("utf8.test", Ct)));
        Assert.Equal("\0\u00FF\u0080a", Word(await resolver.Txt("odd.test", Ct)));
        Assert.Equal("", Word(await resolver.Txt("none.test", Ct)));
        Assert.Equal(59_000, Word(await resolver.Txt("huge.test", Ct)).Length);
    }

    [Theory]
    [InlineData(DnsType.Txt, "")]
    [InlineData(DnsType.Txt, "05616263")]
    [InlineData(DnsType.Txt, "0161FF")]
    [InlineData(DnsType.A, "0A0000")]
    [InlineData(DnsType.Mx, "00")]
    [InlineData(DnsType.Mx, "000A")]
    [InlineData(DnsType.Mx, "000A0361")]
    [InlineData(DnsType.Mx, "000A0161000000")]
    [InlineData(DnsType.Mx, "000AC0FF")]
    [InlineData(DnsType.Mx, "000AFFFF")]
    [InlineData(DnsType.Mx, "000A80610000")]
    public async Task A_malformed_record_makes_its_answer_unreadable(DnsType type, string data)
    {
        await using var dns = DnsZone.Start().Add("a.test", new DnsRecord(type, Convert.FromHexString(data)));
        var resolver = Asking(dns);

        var answer = type switch
        {
            DnsType.Txt => Word(await resolver.Txt("a.test", Ct)),
            DnsType.A => Word(await resolver.A("a.test", Ct)),
            _ => Word(await resolver.Mx("a.test", Ct)),
        };

        Assert.Equal("failed: an unreadable answer", answer);
    }

    [Fact]
    public async Task Thousands_of_mail_exchangers_are_cut_to_the_best_and_more_than_fit_are_refused()
    {
        await using var dns = DnsZone.Start();
        for (var i = 3_000; i > 0; i--) dns.Mx("many.test", (ushort)i, "m");
        for (var i = 10_000; i > 0; i--) dns.Mx("more.test", (ushort)i, "m");
        var resolver = Asking(dns);

        var found = Assert.IsType<DnsAnswer<MxHost>.Found>(await resolver.Mx("many.test", Ct));

        Assert.Equal(Enumerable.Range(1, DnsResolver.MxMax), found.Values.Select(mx => mx.Preference));
        Assert.Equal("failed: the answer is too large", Word(await resolver.Mx("more.test", Ct)));
    }

    [Fact]
    public async Task The_name_servers_of_a_zone_are_those_of_the_name_itself()
    {
        await using var dns = DnsZone.Start().Add("zone.test", DnsRecord.Ns("ns1.test"), DnsRecord.Ns("NS2.test")).A("www.zone.test", "192.0.2.1");

        Assert.Equal("ns1.test ns2.test", Word(await Asking(dns).Ns("zone.test", Ct)));
        Assert.Equal("no data", Word(await Asking(dns).Ns("www.zone.test", Ct)));
    }

    [Fact]
    public async Task Octets_changed_at_random_harm_nobody()
    {
        await using var dns = DnsZone.Start().Mx("*.test", 10, "mx.a.test").Mx("*.test", 20, "");
        var random = new Random(7);
        dns.Mangle = answer =>
        {
            // Behind the header and the question, so that it is taken for the answer.
            var start = 12 + "n000.test".Length + 6;
            for (var i = random.Next(1, 8); i > 0; i--) answer[random.Next(start, answer.Length)] = (byte)random.Next(256);
            return answer[..random.Next(start, answer.Length + 1)];
        };
        var resolver = Asking(dns);
        var unreadable = 0;
        for (var i = 100; i < 600; i++)
        {
            if (await resolver.Mx($"n{i}.test", Ct) is DnsAnswer<MxHost>.Failed) unreadable++;
        }

        Assert.InRange(unreadable, 100, 500);
    }

    [Theory]
    [InlineData("0161047465737400", "a.test")]
    [InlineData("0141045445535400", "a.test")]
    [InlineData("00", "")]
    [InlineData("03002E5C0178 00", "\\000\\046\\092.x")]
    public async Task Names_of_any_octets_are_read_as_text(string data, string name)
    {
        await using var dns = DnsZone.Start().Add("a.test", new DnsRecord(DnsType.Ns, Convert.FromHexString(data.Replace(" ", "", StringComparison.Ordinal))));

        Assert.Equal([name], Assert.IsType<DnsAnswer<string>.Found>(await Asking(dns).Ns("a.test", Ct)).Values);
    }

    [Fact]
    public async Task What_is_kept_is_bounded_by_its_octets()
    {
        await using var dns = DnsZone.Start().Add("*.test", [.. Enumerable.Range(0, 15).Select(_ => DnsRecord.Txt(new string('x', 4_000)))]);
        dns.TimeToLive = TimeSpan.FromHours(1);
        var resolver = Asking(dns);

        // 60 KB each, of which 32 MB are kept.
        for (var i = 0; i < 600; i++) await resolver.Txt($"n{i}.test", Ct);
        await resolver.Txt("n599.test", Ct);
        await resolver.Txt("n0.test", Ct);

        Assert.Equal((2, 4), (dns.Asked("n599.test", DnsType.Txt), dns.Asked("n0.test", DnsType.Txt)));
    }
}
