using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using Xunit;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Dkim;

/// <summary>
/// <c>testdata/dkim/NN-name.eml</c> with the verdicts expected of its signatures in <c>NN-name.expected</c>: domain, selector, algorithm, result,
/// reason. The first is RFC 8463 appendix A, the last RFC 6376 appendix A; the others were signed, and where they pass verified, by dkimpy.
/// </summary>
public class VerifierTests
{
    private static readonly Dictionary<(string, string), string> Keys =
        TestData.Rows("dkim/keys.txt").ToDictionary(row => (row[0], row[1]), row => row[2]);

    /// <summary>Just after the youngest of the signatures was made.</summary>
    private static readonly FixedTime Now = FixedTime.Now.Later(TimeSpan.FromDays(5));

    public static TheoryData<string> Cases =>
        [.. Directory.GetFiles(TestData.At("dkim"), "*.eml").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Each_signature_gets_its_verdict(string name)
    {
        var message = await File.ReadAllBytesAsync(TestData.At($"dkim/{name}.eml"), TestContext.Current.CancellationToken);
        var verdicts = await Verify(message, (selector, domain, _) => Task.FromResult(Keys.GetValueOrDefault((selector, domain))));

        var expected = TestData.Rows($"dkim/{name}.expected").Select(row => (row[0], row[1], row[2], row[3], row.ElementAtOrDefault(4)));
        Assert.Equal(expected, verdicts.Select(verdict => (verdict.Domain, verdict.Selector, verdict.Algorithm, verdict.Result.Word(), verdict.Reason)));
    }

    [Fact]
    public async Task A_failed_look_up_is_a_temporary_error()
    {
        var message = await File.ReadAllBytesAsync(TestData.At("dkim/02-simple-simple.eml"), TestContext.Current.CancellationToken);
        var verdict = Assert.Single(await Verify(message, (_, _, _) => throw new TimeoutException()));
        Assert.Equal((TempError, "the key could not be looked up"), (verdict.Result, verdict.Reason));
    }

    [Fact]
    public async Task Cancellation_ends_the_look_ups()
    {
        var message = await File.ReadAllBytesAsync(TestData.At("dkim/02-simple-simple.eml"), TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Verifier.Verify(message, async (_, _, ct) =>
        {
            await stop.CancelAsync();
            ct.ThrowIfCancellationRequested();
            return null;
        }, Now, stop.Token));
    }

    [Fact]
    public async Task Signatures_beyond_the_tenth_cost_no_look_up()
    {
        var message = await File.ReadAllTextAsync(TestData.At("dkim/02-simple-simple.eml"), System.Text.Encoding.Latin1, TestContext.Current.CancellationToken);
        var signature = message[..message.IndexOf("From:", StringComparison.Ordinal)];
        var many = System.Text.Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(signature, 20)) + message);
        var lookups = 0;
        var verdicts = await Verify(many, (_, _, _) =>
        {
            lookups++;
            return Task.FromResult<string?>(null);
        });
        Assert.Equal(Verifier.SignaturesMax, lookups);
        Assert.Equal(11, verdicts.Count(verdict => verdict.Result == Neutral));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\r\n")]
    [InlineData("DKIM-Signature")]
    [InlineData("DKIM-Signature: v=1; b=")]
    [InlineData("DKIM-Signature: =; ;; b")]
    [InlineData("no header at all")]
    public async Task What_is_hardly_a_message_never_passes(string text) =>
        Assert.DoesNotContain(await Verify(System.Text.Encoding.Latin1.GetBytes(text), (_, _, _) => Task.FromResult<string?>(null)), verdict => verdict.Result == Pass);

    private static Task<IReadOnlyList<SignatureVerdict>> Verify(byte[] message, Func<string, string, CancellationToken, Task<string?>> keyRecord) =>
        Verifier.Verify(message, keyRecord, Now, TestContext.Current.CancellationToken);
}
