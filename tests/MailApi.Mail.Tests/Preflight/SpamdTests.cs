using System.Net;
using System.Net.Sockets;
using System.Text;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

/// <summary>Peers that are no working spamd; the real one is asked in the integration tests.</summary>
public sealed class SpamdTests
{
    private static readonly byte[] Message = "From: a@shop.example\r\n\r\nx\r\n"u8.ToArray();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "does not speak")]
    [InlineData("220 mail.example ESMTP\r\n\r\n", "does not speak")]
    [InlineData("SPAMD/1.1 76 Bad header line: x\r\n\r\n", "76 Bad header line")]
    [InlineData("SPAMD/1.1 0 EX_OK\r\n\r\n", "no score")]
    [InlineData("SPAMD/1.1 0 EX_OK\r\nSpam: True ; NaN / 5.0\r\n\r\n", "no score")]
    [InlineData("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9.0 / 5.0", "does not speak")]
    public async Task Nonsense_is_an_answer(string answer, string reason) =>
        Assert.Contains(reason, Assert.IsType<SpamdAnswer.Unavailable>(await Answering(answer)).Reason, StringComparison.Ordinal);

    [Fact]
    public async Task The_table_of_rules_is_read()
    {
        var scored = Assert.IsType<SpamdAnswer.Scored>(await Answering("""
            SPAMD/1.1 0 EX_OK
            Content-length: 400
            Spam: False ; -0.5 / 5.0

            Content analysis details:   (-0.5 points, 5.0 required)

             pts rule name              description
            ---- ---------------------- --------------------------------------------------
            -1.9 BAYES_00               BODY: Bayes spam probability is 0 to 1%
                                        [score: 0.0000]
             1.4 MISSING_DATE           Missing Date: header
             0.0 HTML_MESSAGE           BODY: HTML included in message

            """.ReplaceLineEndings("\r\n")));

        Assert.Equal((-0.5, 5.0), (scored.Score, scored.Threshold));
        Assert.Equal(
            [
                new SpamRule("BAYES_00", -1.9, "BODY: Bayes spam probability is 0 to 1% [score: 0.0000]"), new SpamRule("MISSING_DATE", 1.4, "Missing Date: header"),
                new SpamRule("HTML_MESSAGE", 0, "BODY: HTML included in message"),
            ], scored.Rules);
    }

    [Fact]
    public async Task A_flood_is_cut_off() =>
        Assert.IsType<SpamdAnswer.Scored>(await Answering("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9.0 / 5.0\r\n\r\n" + new string('x', 5_000_000)));

    [Fact]
    public async Task Nobody_there_is_an_answer()
    {
        var options = new SpamdOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, FreePort.Next()) };
        Assert.IsType<SpamdAnswer.Unavailable>(await new Spamd(options, TimeProvider.System).Check(Message, Ct));
    }

    [Fact]
    public async Task Silence_ends_with_the_deadline()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var options = new SpamdOptions { EndPoint = silent.LocalEndpoint, Patience = TimeSpan.FromMilliseconds(100) };
        Assert.Contains("0.1 s", Assert.IsType<SpamdAnswer.Unavailable>(await new Spamd(options, TimeProvider.System).Check(Message, Ct)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_messages_stay_here()
    {
        var options = new SpamdOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, FreePort.Next()), MessageBytesMax = 10 };
        Assert.Equal(new SpamdAnswer.TooLarge(10), await new Spamd(options, TimeProvider.System).Check(Message, Ct));
    }

    [Fact]
    public async Task Cancellation_is_no_answer()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var cancel = new CancellationTokenSource();
        var asked = new Spamd(new SpamdOptions { EndPoint = silent.LocalEndpoint }, TimeProvider.System).Check(Message, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task An_unreachable_spamd_is_a_warning()
    {
        await using var shop = new Preflighting();
        var options = new SpamdOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, FreePort.Next()) };
        var checks = await shop.Inspection(spamd: options).Run(Message, Preflighting.Facts, Ct);
        Assert.Equal(CheckResult.Warn, checks.Single(check => check.Name == "spamAssassin").Result);
    }

    private static async Task<SpamdAnswer> Answering(string answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var peer = Answer(listener, answer);
        var verdict = await new Spamd(new SpamdOptions { EndPoint = listener.LocalEndpoint }, TimeProvider.System).Check(Message, Ct);
        await peer;
        return verdict;
    }

    private static async Task Answer(TcpListener listener, string answer)
    {
        using var client = await listener.AcceptTcpClientAsync(Ct);
        var stream = client.GetStream();
        var request = new MemoryStream();
        await stream.CopyToAsync(request, Ct);
        Assert.StartsWith($"REPORT SPAMC/1.5\r\nContent-length: {Message.Length}\r\n\r\nFrom:", Encoding.ASCII.GetString(request.ToArray()), StringComparison.Ordinal);
        try
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), Ct);
        }
        catch (IOException)
        {
            // The client has read as much as it wants.
        }
    }
}
