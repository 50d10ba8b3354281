using MailApi.Mail.Preflight;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

public class ScoreTests
{
    private static Check Failing(string name, CheckGroup group = CheckGroup.Content) => Check.Fail(name, group, "reason.", "cure.");

    private static Check Warning(string name) => Check.Warn(name, CheckGroup.Content, "reason.", "cure.");

    [Fact]
    public void Nothing_to_object_to_is_ten() => Assert.Equal(10, Score.Of([Check.Pass("subject", CheckGroup.Subject, "fine.")]));

    [Fact]
    public void A_failure_takes_more_than_a_warning()
    {
        foreach (var name in (string[])["subject", "htmlSize", "requiredHeaders", "gmail", "linkText", "unheardOf"])
            Assert.True(Score.Of([Failing(name)]) < Score.Of([Warning(name)]), name);
    }

    [Fact]
    public void What_takes_away_adds_up_to_one_decimal() => Assert.Equal(10 - 1.5 - 0.3, Score.Of([Failing("unheardOf"), Warning("unheardOfToo")]), 6);

    [Fact]
    public void It_never_falls_below_nought() => Assert.Equal(0, Score.Of([.. Enumerable.Range(0, 50).Select(n => Failing($"check{n}"))]));

    [Fact]
    public void Failed_authentication_caps_it()
    {
        Assert.Equal(Score.UnauthenticatedMax, Score.Of([Failing("spf", CheckGroup.Authentication)]));
        Assert.True(Score.Of([Failing("spf", CheckGroup.Authentication), .. Enumerable.Range(0, 5).Select(n => Failing($"check{n}"))]) < Score.UnauthenticatedMax);
        Assert.True(Score.Of([Check.Warn("spf", CheckGroup.Authentication, "reason.", "cure.")]) > Score.UnauthenticatedMax);
    }

    [Fact]
    public void What_could_not_be_judged_costs_nothing() => Assert.Equal(10, Score.Of([Warning("reverseDns"), Warning("helo"), Warning("blocklists")]));
}
