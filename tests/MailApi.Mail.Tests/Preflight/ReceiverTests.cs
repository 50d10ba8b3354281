using MailApi.Mail.Authentication;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

/// <summary>What each provider would say of the same good message under other facts.</summary>
public sealed class ReceiverTests(Preflighting shop) : IClassFixture<Preflighting>
{
    private static readonly DkimFact Passing = new("mail.shop.example", "s1", AuthenticationResult.Pass, Aligned: true);

    public static TheoryData<string, string, string, string?, string> Facts => new()
    {
        // SPF, DKIM, DMARC policy → results and the reply that is named
        { "pass aligned", "pass aligned", "none", null, "pass pass pass" },
        { "fail", "pass aligned", "none", "550 5.7.27", "fail fail fail" },
        { "pass aligned", "fail", "none", "550 5.7.30", "fail fail fail" },
        { "none", "", "none", "550 5.7.26", "fail fail fail" },
        { "pass aligned", "pass aligned", "", "550 5.7.40", "fail fail fail" },
        { "pass", "pass", "none", "550 5.7.32", "fail fail fail" },
        { "pass", "pass", "reject", "550 5.7.26", "fail fail fail" },
        { "pass", "pass aligned", "reject", null, "pass pass pass" },
        { "temperror", "pass aligned", "none", "550 5.7.27", "warn warn warn" },
    };

    [Theory]
    [MemberData(nameof(Facts))]
    public async Task Authentication_is_demanded_in_full(string spf, string dkim, string policy, string? reply, string results)
    {
        var facts = Preflighting.Facts with
        {
            SpfResult = Result(spf),
            SpfAligned = spf.EndsWith("aligned", StringComparison.Ordinal),
            Dkim = dkim.Length == 0 ? [] : [Passing with { Result = Result(dkim), Aligned = dkim.EndsWith("aligned", StringComparison.Ordinal) }],
            DmarcPolicy = policy.Length == 0 ? null : Enum.Parse<DmarcPolicy>(policy, ignoreCase: true),
            DmarcResult = policy.Length == 0 ? AuthenticationResult.None : AuthenticationResult.Fail,
        };

        var checks = await Checks(facts);

        Assert.Equal(results, string.Join(' ', new[] { "gmail", "yahoo", "microsoft" }.Select(name => checks[name].Result.ToString().ToLowerInvariant())));
        if (reply is not null)
        {
            Assert.Contains(reply, checks["gmail"].Reason, StringComparison.Ordinal);
            Assert.Contains("550 5.7.515", checks["microsoft"].Reason, StringComparison.Ordinal);
            Assert.Contains("554 5.7.9", checks["yahoo"].Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_signature_that_fails_covers_no_unsubscribe_header()
    {
        var facts = Preflighting.Facts with { IsMarketing = true, Dkim = [Passing with { Result = AuthenticationResult.Fail }, Passing with { Selector = "s2" }] };
        var checks = await Checks(facts, "06-newsletter");
        Assert.Equal(CheckResult.Fail, checks["oneClickUnsubscribe"].Result);
        Assert.Contains("covers", checks["oneClickUnsubscribe"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gmail_addresses_are_Gmails_own()
    {
        var message = "From: Shop <shop@gmail.com>\r\nTo: ann@example.net\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 09:30:00 +0000\r\nMessage-ID: <1@gmail.com>\r\n\r\nx\r\n"u8.ToArray();
        var checks = (await shop.Run(message, Preflighting.Facts with { OrganizationalDomain = "gmail.com" })).ToDictionary(check => check.Name);
        Assert.Equal(CheckResult.Fail, checks["gmail"].Result);
        Assert.Equal(CheckResult.Pass, checks["yahoo"].Result);
    }

    private static AuthenticationResult Result(string words) => Enum.Parse<AuthenticationResult>(words.Split(' ')[0], ignoreCase: true);

    private async Task<Dictionary<string, Check>> Checks(PreflightFacts facts, string name = "01-order-in-english") =>
        (await shop.Run(await File.ReadAllBytesAsync(TestData.At($"preflight/{name}.eml"), TestContext.Current.CancellationToken), facts)).ToDictionary(check => check.Name);
}
