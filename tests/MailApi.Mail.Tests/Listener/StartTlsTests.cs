using System.Text;
using MailApi.Mail.Smtp.Listener;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

/// <summary>RFC 3207, and what was learnt since of those who inject before the handshake (CVE-2011-0411 and its kin).</summary>
public sealed class StartTlsTests
{
    [Fact]
    public async Task A_message_comes_through_under_TLS_and_STARTTLS_is_not_offered_again()
    {
        await using var secure = await SecureClient.Ready(WithoutLogin);
        await secure.Ask("STARTTLS", "503 5.5.1");
        await secure.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA", "250 ", "250 ", "354 ");
        await secure.Ask("Subject: Hi\r\n\r\nWords\r\n.", "250 2.0.0 Stored");
        await secure.Ask("QUIT", "221 ");
        await secure.ExpectEnd();
        Assert.Equal("Subject: Hi\r\n\r\nWords\r\n", Assert.Single(secure.Client.Delivered).Content);
    }

    [Fact]
    public async Task A_long_message_comes_through_whole_under_TLS()
    {
        var message = string.Concat(Enumerable.Range(0, 60_000).Select(number => new string((char)('a' + number % 26), number % 80) + "\r\n"));
        await using var secure = await SecureClient.Ready(WithoutLogin);
        await secure.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA", "250 ", "250 ", "354 ");
        foreach (var part in message.Chunk(10_007)) await secure.Write(new string(part));
        await secure.Ask(".", "250 2.0.0");
        Assert.Equal(message, Assert.Single(secure.Client.Delivered).Content);
    }

    [Fact]
    public async Task What_is_no_TLS_any_more_ends_the_session_quietly()
    {
        await using var secure = await SecureClient.Ready(WithoutLogin);
        secure.Client.Write("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n" + new string('x', 20_000));
        await secure.Client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Empty(secure.Client.Delivered);
    }

    [Theory]
    [InlineData("STARTTLS\r\nMAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")]
    [InlineData("STARTTLS\r\nEHLO injected.test\r\n")]
    [InlineData("STARTTLS\r\nX")]
    [InlineData("NOOP\r\nSTARTTLS\r\n\r\n")]
    public async Task What_is_pipelined_behind_STARTTLS_ends_the_session_before_any_handshake(string injected)
    {
        await using var client = await SecureClient.InTheClear();
        client.Write(injected);
        if (injected.StartsWith("NOOP", StringComparison.Ordinal)) await client.Expect("250 ");
        await client.Expect("554 5.5.0");
        await client.ExpectEnd();
        Assert.Empty(client.Delivered);
    }

    [Theory]
    [InlineData("MAIL FROM:<ann@example.net>\r\n")]
    [InlineData("RSET\r\nMAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")]
    public async Task What_is_injected_before_the_handshake_breaks_it_and_is_never_a_command(string injected)
    {
        await using var client = await SecureClient.InTheClear(WithoutLogin);
        await client.Ask("STARTTLS", "220 2.0.0");
        client.Write(injected);
        await client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Empty(client.Delivered);
    }

    [Fact]
    public async Task What_was_said_in_the_clear_is_forgotten()
    {
        await using var client = await SecureClient.InTheClear(WithoutLogin);
        await client.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>", "250 ", "250 ");
        await client.Ask("STARTTLS", "220 ");
        await using var secure = await SecureClient.Over(client);
        await secure.Ask("RCPT TO:<bob@example.org>", "503 5.5.1 MAIL first");
        await secure.Ask("MAIL FROM:<ann@example.net>", "503 5.5.1 EHLO first");
    }

    [Fact]
    public async Task It_takes_no_argument_and_waits_for_EHLO()
    {
        await using var client = Client.Connect(policy: WithoutLogin);
        await client.Expect("220 ");
        await client.Ask("STARTTLS", "503 5.5.1");
        await client.Ask("EHLO client.test", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-STARTTLS", "250 HELP");
        await client.Ask("STARTTLS now", "501 5.5.4");
        await client.Ask("STARTTLS", "220 ");
    }

    [Fact]
    public async Task A_client_that_shakes_no_hand_is_dismissed_after_half_a_minute()
    {
        await using var client = await SecureClient.InTheClear();
        await client.Ask("STARTTLS", "220 ");
        client.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(client.Session.IsCompleted);
        client.Time.Advance(TimeSpan.FromSeconds(1));
        await client.ExpectEnd();
    }

    [Fact]
    public async Task Under_TLS_too_what_is_pipelined_behind_DATA_is_neither_content_nor_command()
    {
        await using var secure = await SecureClient.Ready(WithoutLogin);
        await secure.Ask("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>", "250 ", "250 ");
        await secure.Ask("DATA\r\nSubject: early\r\n\r\n.", "554 5.5.0");
        await secure.ExpectEnd();
        Assert.Empty(secure.Client.Delivered);
    }

    [Fact]
    public async Task Where_TLS_comes_first_nothing_is_said_before_it()
    {
        await using var client = Client.Connect(policy: reception => WithoutLogin(reception) with { StartsWithTls = true });
        await using var secure = await SecureClient.Over(client);
        await secure.Expect("220 mx.test ESMTP");
        await secure.Ask("EHLO client.test", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 HELP");
        await secure.Ask("QUIT", "221 ");
        await secure.ExpectEnd();
    }

    [Fact]
    public async Task Where_TLS_comes_first_plain_text_is_not_answered()
    {
        await using var client = Client.Connect(early: "EHLO client.test\r\n", policy: reception => WithoutLogin(reception) with { StartsWithTls = true });
        await client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("250", await Rest(client), StringComparison.Ordinal);
    }

    private static Reception WithoutLogin(Reception reception) => SecureClient.Submission(reception) with { Authenticate = null };

    /// <summary>An alert of TLS at most, which has no lines.</summary>
    private static async Task<string> Rest(Client client)
    {
        using var reader = new StreamReader(client.AsStream(), Encoding.Latin1);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
