using System.Text;
using MailApi.Mail.Preflight;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

/// <summary>
/// <c>testdata/preflight/NN-name.eml</c>, and in <c>NN-name.expected</c> every check that does not pass; a line <c>facts</c> says what the
/// message is sent as. What is not listed must pass: the first messages list nothing.
/// </summary>
public sealed class MessageTests(Preflighting shop) : IClassFixture<Preflighting>
{
    public static TheoryData<string> Cases =>
        [.. Directory.GetFiles(TestData.At("preflight"), "*.eml").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Each_message_fails_what_it_should_and_nothing_else(string name)
    {
        var rows = TestData.Rows($"preflight/{name}.expected").ToLookup(row => row[0] == "facts");
        var facts = Preflighting.Facts with { IsMarketing = rows[true].Any(row => row[1] == "marketing") };

        var checks = await shop.Run(await File.ReadAllBytesAsync(TestData.At($"preflight/{name}.eml"), TestContext.Current.CancellationToken), facts);

        var objections = checks.Where(check => check.Result != CheckResult.Pass).ToList();
        var expected = rows[false].Select(row => $"{row[0]} {row[1]}").Order(StringComparer.Ordinal);
        Assert.True(expected.SequenceEqual(objections.Select(Line).Order(StringComparer.Ordinal)),
            $"expected {string.Join(", ", expected)}; found\n{string.Join('\n', objections.Select(check => $"{Line(check)}: {check.Reason}"))}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Every_check_has_its_own_name_a_reason_and_where_it_objects_a_cure(string name)
    {
        var checks = await shop.Run(await File.ReadAllBytesAsync(TestData.At($"preflight/{name}.eml"), TestContext.Current.CancellationToken), Preflighting.Facts);

        Assert.Distinct(checks.Select(check => check.Name));
        Assert.All(checks, check =>
        {
            Assert.Matches("^[a-z][A-Za-z]+$", check.Name);
            Assert.EndsWith(".", check.Reason, StringComparison.Ordinal);
            Assert.Equal(check.Result == CheckResult.Pass, check.Cure is null);
            Assert.DoesNotContain(check.Reason, c => char.IsControl(c));
        });
    }

    [Theory]
    [InlineData("01-order-in-english", 10)]
    [InlineData("02-order-in-chinese", 10)]
    [InlineData("06-newsletter", 10)]
    public async Task Good_mail_gets_ten(string name, double score)
    {
        var facts = Preflighting.Facts with { IsMarketing = name.Contains("newsletter", StringComparison.Ordinal) };
        Assert.Equal(score, Score.Of([.. await shop.Run(await File.ReadAllBytesAsync(TestData.At($"preflight/{name}.eml"), TestContext.Current.CancellationToken), facts)]));
    }

    [Fact]
    public async Task Reasons_name_what_was_seen()
    {
        var message = Encoding.ASCII.GetBytes("From: \"info@bank.example\" <orders@mail.shop.example>\r\nSubject: x\r\n\r\nx\r\n");
        var checks = (await shop.Run(message, Preflighting.Facts)).ToDictionary(check => check.Name);

        Assert.Contains("info@bank.example", checks["fromDisplayName"].Reason, StringComparison.Ordinal);
        Assert.Contains("orders@mail.shop.example", checks["fromDisplayName"].Reason, StringComparison.Ordinal);
        Assert.Contains("no Date and no Message-ID", checks["requiredHeaders"].Reason, StringComparison.Ordinal);
    }

    private static string Line(Check check) => $"{check.Name} {check.Result.ToString().ToLowerInvariant()}";
}
