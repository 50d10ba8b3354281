using System.Diagnostics;
using System.Text;
using MailApi.Mail.Preflight;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

/// <summary>Messages that are made to exhaust or to break the checks: all of them are answered, soon.</summary>
public sealed class HostileTests(Preflighting shop) : IClassFixture<Preflighting>
{
    private const string Head = "From: a@shop.example\r\nTo: b@example.net\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 09:30:00 +0000\r\nMessage-ID: <1@shop.example>\r\nMIME-Version: 1.0\r\n";

    /// <summary>Far above what any of them takes, and far below what a quadratic way of reading would.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, Func<string>> Messages = new()
    {
        ["empty"] = () => "",
        ["an empty line"] = () => "\r\n",
        ["no header"] = () => "hello",
        ["a colon"] = () => ":\r\n\r\n",
        ["NULs"] = () => new string('\0', 1000),
        ["a lone CR"] = () => "\r",
        ["a million header lines"] = () => Head + string.Concat(Enumerable.Repeat("a:\r\n", 1_000_000)),
        ["ten thousand header lines"] = () => Head + string.Concat(Enumerable.Repeat("a:\r\n", 10_000)) + "\r\nx",
        ["a header of 10 MB"] = () => $"Subject: {new string('x', 10_000_000)}\r\n\r\n",
        ["a line of 10 MB"] = () => $"{Head}\r\n{new string('x', 10_000_000)}\r\n",
        ["a header of many lines"] = () => Head + string.Concat(Enumerable.Repeat($"X: {new string('x', 900)}\r\n", 400)) + "\r\nx\r\n",
        ["a header folded a million times"] = () => Head + "X: a\r\n" + string.Concat(Enumerable.Repeat(" b\r\n", 1_000_000)),
        ["a part's header of 10 MB"] = () => Multipart($"--b\r\nContent-Description: {new string('x', 10_000_000)}\r\n\r\nx\r\n"),
        ["a part's header folded 100,000 times"] = () => Multipart($"--b\r\nContent-Type: text/plain{string.Concat(Enumerable.Repeat(";\r\n b=c", 100_000))}\r\n\r\nx\r\n"),
        ["a thousand parts"] = () => Multipart(string.Concat(Enumerable.Repeat("--b\r\n\r\nx\r\n", 1000))),
        ["a thousand levels"] = () => Head + string.Concat(Enumerable.Range(0, 1000).Select(n => $"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")),
        ["messages within messages"] = () => Head + string.Concat(Enumerable.Repeat("Content-Type: message/rfc822\r\n\r\n", 1000)),
        ["divs 200,000 deep"] = () => Html(string.Concat(Enumerable.Repeat("<div>", 200_000))),
        ["formatting without end"] = () => Html(string.Concat(Enumerable.Repeat("<b><i><a href=x><p>", 40_000))),
        ["tables in tables"] = () => Html(string.Concat(Enumerable.Repeat("<table><tr><td>", 50_000))),
        ["a wide paragraph"] = () => Html(string.Concat(Enumerable.Repeat("x<br>", 200_000))),
        ["100,000 links"] = () => Html(string.Concat(Enumerable.Range(0, 100_000).Select(n => $"<a href=\"http://h{n}.example/\">h{n}</a>"))),
        ["a link of 5 MB"] = () => Html($"<a href=\"https://x.example/{new string('a', 5_000_000)}\">x</a>"),
        ["a style of 5 MB"] = () => Html($"<p style=\"{string.Concat(Enumerable.Repeat("color:#fff;", 500_000))}\">x</p>"),
        ["5 MB of text"] = () => Head + "Content-Type: text/plain\r\n\r\n" + string.Concat(Enumerable.Repeat("http:// aа re: !! ", 300_000)),
        ["encoded words without end"] = () => Head.Replace("Subject: x", "Subject: " + string.Concat(Enumerable.Repeat("=?utf-8?B?", 100_000)), StringComparison.Ordinal) + "\r\nx",
        ["addresses without end"] = () => Head.Replace("To: b@example.net", "To: " + string.Concat(Enumerable.Repeat("<", 100_000)), StringComparison.Ordinal) + "\r\nx",
        ["comments in comments"] = () => Head.Replace("From: a@", "From: " + new string('(', 100_000) + " a@", StringComparison.Ordinal) + "\r\nx",
        ["groups in groups"] = () => Head.Replace("To: b@example.net", "To: " + string.Concat(Enumerable.Repeat("a:", 100_000)), StringComparison.Ordinal) + "\r\nx",
        ["an unknown charset and encoding"] = () => Head + "Content-Type: text/html; charset=\"klingon\"\r\nContent-Transfer-Encoding: tlh\r\n\r\n<p>x",
        ["a broken zip"] = () => Head + "Content-Type: application/zip; name=x.zip\r\nContent-Disposition: attachment; filename=x.zip\r\n\r\nPK\x05\x06broken",
        ["half a surrogate"] = () => Head + "Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n2D3YPQ==",
        ["bad A-labels"] = () => Html("<a href=\"http://xn--a-.xn--/\">xn--\u0000.example</a><a href=\"http://[::1\">x</a><a href=\"https://a@b@c:99999/\">y</a>"),
        ["bad unsubscribe header"] = () => Head + "List-Unsubscribe: <<>,<https://>,<\r\nDKIM-Signature: ;;=;h\r\nDKIM-Signature: h=:::\r\n\r\nx",
    };

    public static TheoryData<string> Names => [.. Messages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task It_is_answered(string name)
    {
        var message = Encoding.UTF8.GetBytes(Messages[name]());
        var watch = Stopwatch.StartNew();

        var checks = await shop.Run(message, Preflighting.Facts with { IsMarketing = true });

        Assert.True(watch.Elapsed < Patience, $"{watch.Elapsed}");
        Assert.All(checks, check => Assert.InRange(check.Reason.Length, 1, 2_000));
        Assert.InRange(Score.Of([.. checks]), 0, 10);
    }

    [Theory]
    [InlineData("a thousand parts", "100 parts")]
    [InlineData("a thousand levels", "16 deep")]
    [InlineData("messages within messages", "16 deep")]
    [InlineData("a million header lines", "256 KB")]
    [InlineData("a line of 10 MB", "128 KB")]
    [InlineData("a header of many lines", "256 KB")]
    [InlineData("a header of 10 MB", "128 KB")]
    [InlineData("a part's header of 10 MB", "128 KB")]
    [InlineData("a part's header folded 100,000 times", "256 KB")]
    [InlineData("ten thousand header lines", "2000 header lines")]
    public async Task Beyond_the_bounds_the_structure_fails(string name, string reason)
    {
        var structure = (await shop.Run(Encoding.UTF8.GetBytes(Messages[name]()), Preflighting.Facts)).Single(check => check.Name == "mimeStructure");
        Assert.Equal(CheckResult.Fail, structure.Result);
        Assert.Contains(reason, structure.Reason, StringComparison.Ordinal);
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task Random_octets_are_answered()
    {
        var random = new Random(20261124);
        var seed = await File.ReadAllBytesAsync(TestData.At("preflight/05-invoice-with-pdf-and-logo.eml"), TestContext.Current.CancellationToken);
        for (var round = 0; round < 300; round++)
        {
            var message = seed.ToArray();
            for (var flips = random.Next(1, 40); flips > 0; flips--) message[random.Next(message.Length)] = (byte)random.Next(256);
            var from = random.Next(message.Length);
            await shop.Run(round % 3 == 0 ? message[..from] : message, Preflighting.Facts);
        }
    }

    private static string Html(string html) => $"{Head}Content-Type: text/html; charset=utf-8\r\n\r\n{html}";

    private static string Multipart(string parts) => $"{Head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n";
}
