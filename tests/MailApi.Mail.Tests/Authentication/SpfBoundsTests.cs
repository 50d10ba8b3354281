using System.Net;
using MailApi.Mail.Authentication;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Microsoft.Extensions.Time.Testing;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>What one check may cost, and whatever is put to it.</summary>
public sealed class SpfBoundsTests : IAsyncDisposable
{
    private static readonly IPAddress Client = IPAddress.Parse("192.0.2.1");
    private readonly DnsZone zone = DnsZone.Start();

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    [Fact]
    public async Task After_twenty_seconds_in_all_it_is_a_temporary_error()
    {
        var time = new FakeTimeProvider();
        zone.Txt("slow.example", "v=spf1 a:silent.example -all").Fail("silent.example", DnsFailure.Timeout);
        var spf = Checker(time, patience: TimeSpan.FromMinutes(1));

        var check = spf.Check(new SpfIdentity(Client, "h.example.net", "ann@slow.example"), TestContext.Current.CancellationToken);
        while (zone.Asked("silent.example", DnsType.A) == 0 && !check.IsCompleted) await Task.Yield();
        time.Advance(Spf.Patience - TimeSpan.FromMilliseconds(1));
        Assert.False(check.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));

        var verdict = await check;
        Assert.Equal(TempError, verdict.Result);
        Assert.Contains("more than 20 seconds", verdict.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Words_that_do_not_come_in_time_are_done_without()
    {
        var time = new FakeTimeProvider();
        zone.Txt("late.example", "v=spf1 exp=silent.example -all").Fail("silent.example", DnsFailure.Timeout);

        var check = Checker(time, patience: TimeSpan.FromMinutes(1)).Check(new SpfIdentity(Client, "h.example.net", "ann@late.example"), TestContext.Current.CancellationToken);
        while (zone.Asked("silent.example", DnsType.Txt) == 0 && !check.IsCompleted) await Task.Yield();
        time.Advance(Spf.Patience);

        var verdict = await check;
        Assert.Equal((Fail, null), (verdict.Result, verdict.OwnersExplanation));
    }

    [Fact]
    public async Task The_caller_can_end_it()
    {
        using var ended = new CancellationTokenSource();
        zone.Fail("silent.example", DnsFailure.Timeout);
        var check = Checker(TimeProvider.System, patience: TimeSpan.FromMinutes(1)).Check(new SpfIdentity(Client, "h.example.net", "ann@silent.example"), ended.Token);
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => check);
    }

    [Fact]
    public async Task The_owners_words_are_cut_and_hold_no_control_characters()
    {
        zone.Txt("long.example", "v=spf1 exp=words.example -all").Txt("words.example", string.Concat(Enumerable.Repeat("%{l} ", 100)));
        var spf = Checker(TimeProvider.System);

        var cut = await spf.Check(new SpfIdentity(Client, "h.example.net", new string('a', 60) + "@long.example"), TestContext.Current.CancellationToken);
        var split = await spf.Check(new SpfIdentity(Client, "h.example.net", "a\r\nb@long.example"), TestContext.Current.CancellationToken);

        Assert.Equal(1_000, cut.OwnersExplanation?.Length);
        Assert.Null(split.OwnersExplanation);
    }

    [Fact]
    public async Task A_sender_beyond_all_measure_has_no_domain()
    {
        zone.Txt("shop.example", "v=spf1 +all");
        var spf = Checker(TimeProvider.System);
        var sender = new string('a', 5_000) + "@shop.example";

        Assert.Equal(None, (await spf.Check(new SpfIdentity(Client, "h.example.net", sender), TestContext.Current.CancellationToken)).Result);
        Assert.Equal(Pass, (await spf.Check(new SpfIdentity(Client, sender, "ann@shop.example"), TestContext.Current.CancellationToken)).Result);
    }

    [Fact]
    public async Task Noise_in_records_and_identities_always_ends_in_a_verdict()
    {
        var random = new Random(7208);
        var spf = Checker(TimeProvider.System);
        string[] words = ["all", "-all", "a", "mx:%{h}.example", "exists:%{l}.%{p}.n.example", "include:noise.example", "ptr", "ip4:192.0.2.0/24", "%", "exp=%{s}.example", "redirect=%{d}", "x=%{ir}", "\0", "é"];
        char[] characters = ['a', '.', '@', '"', ' ', '\0', '\r', '\n', 'é', '\ud800', '%', '{', '}', '\\', '-', '[', ']'];
        for (var i = 0; i < 300; i++)
        {
            var domain = $"noise{i}.example";
            zone.Txt(domain, "v=spf1 " + string.Join(' ', Enumerable.Range(0, random.Next(6)).Select(_ => words[random.Next(words.Length)])));
            var verdict = await spf.Check(new SpfIdentity(i % 2 == 0 ? Client : IPAddress.Parse("fe80::1%3"), Noise(), i % 5 == 0 ? Noise() : $"{Noise()}@{domain}"), TestContext.Current.CancellationToken);
            Assert.Contains(verdict.Result, (AuthenticationResult[])[Pass, Fail, SoftFail, Neutral, None, TempError, PermError]);
            Assert.InRange(verdict.Explanation.Length, 10, 4_000);
            Assert.DoesNotContain(verdict.Explanation, char.IsControl);
        }

        string Noise() => string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => characters[random.Next(characters.Length)]));
    }

    private Spf Checker(TimeProvider time, TimeSpan? patience = null) =>
        new(new DnsResolver(new DnsOptions { Servers = [zone.EndPoint], Timeout = patience ?? TimeSpan.FromSeconds(10), Retries = 0 }, TimeProvider.System), time);
}
