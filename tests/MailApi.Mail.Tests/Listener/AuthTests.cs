using MailApi.Mail.Smtp.Listener;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

/// <summary>RFC 4954: every form of a login that clients use, and what meets those who have none.</summary>
public sealed class AuthTests
{
    private static readonly string Name = SecureClient.Base64("Ann Ó");
    private static readonly string Password = SecureClient.Base64(SecureClient.Key);

    /// <summary>The lines of the client, each with the reply that it gets.</summary>
    public static TheoryData<string[]> Logins =>
    [
        (string[])["AUTH PLAIN " + SecureClient.Plain("Ann Ó", SecureClient.Key), "235 2.7.0 Hello Ann ?"],
        (string[])["AUTH PLAIN " + SecureClient.Base64($"other\0ann\0{SecureClient.Key}"), "235 "],
        (string[])["AUTH PLAIN " + SecureClient.Base64($"\0\0{SecureClient.Key}"), "235 "],
        (string[])["auth plain", "334 ", SecureClient.Plain("ann", SecureClient.Key), "235 "],
        (string[])["AUTH LOGIN", "334 VXNlcm5hbWU6", Name, "334 UGFzc3dvcmQ6", Password, "235 2.7.0 Hello Ann ?"],
        (string[])["AUTH LOGIN " + Name, "334 UGFzc3dvcmQ6", Password, "235 "],
        (string[])["AUTH login =", "334 UGFzc3dvcmQ6", Password, "235 "],
    ];

    [Theory]
    [MemberData(nameof(Logins))]
    public async Task A_login_opens_the_way_for_mail(string[] dialogue)
    {
        await using var secure = await SecureClient.Ready();
        await secure.Ask("MAIL FROM:<ann@example.net>", "530 5.7.0 Authentication required");
        for (var index = 0; index < dialogue.Length; index += 2) await secure.Ask(dialogue[index], dialogue[index + 1]);
        await secure.Ask("MAIL FROM:<ann@example.net> AUTH=<> RET=HDRS ENVID=a+2Bb", "250 2.1.0");
        await secure.Ask("RSET\r\nMAIL FROM:<ann@example.net> AUTH=ann+40example.net", "250 ", "250 2.1.0");
        await secure.Ask("AUTH PLAIN", "503 5.5.1 You have logged in already");
    }

    /// <summary>What stays a refusal without a word of the policy.</summary>
    public static TheoryData<string[]> Faults =>
    [
        (string[])["AUTH", "501 5.5.4"],
        (string[])["AUTH CRAM-MD5", "504 5.5.4"],
        (string[])["AUTH PLAIN a b", "501 5.5.2"],
        (string[])["AUTH PLAIN =", "501 5.5.2"],
        (string[])["AUTH PLAIN !", "501 5.5.2 Base64"],
        (string[])["AUTH PLAIN YQ", "501 5.5.2 Base64"],
        (string[])["AUTH PLAIN /w==", "501 5.5.2 Base64"],
        (string[])["AUTH PLAIN " + SecureClient.Base64("no zeros"), "501 5.5.2"],
        (string[])["AUTH PLAIN " + SecureClient.Base64("\0ann\0"), "501 5.5.2"],
        (string[])["AUTH PLAIN " + SecureClient.Base64($"\0ann\0{SecureClient.Key}\0"), "501 5.5.2"],
        (string[])["AUTH PLAIN", "334 ", "*", "501 5.7.0"],
        (string[])["AUTH LOGIN", "334 ", Name, "334 ", "*", "501 5.7.0"],
        (string[])["AUTH LOGIN", "334 ", "not base64", "501 5.5.2"],
        (string[])["AUTH LOGIN", "334 ", new string('A', 3000), "500 5.5.6"],
        (string[])["AUTH PLAIN " + new string('A', 3000), "500 5.5.2"],
    ];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task What_is_no_login_is_refused_and_the_session_goes_on(string[] dialogue)
    {
        await using var secure = await SecureClient.Ready();
        for (var index = 0; index < dialogue.Length; index += 2) await secure.Ask(dialogue[index], dialogue[index + 1]);
        await secure.Ask("MAIL FROM:<ann@example.net>", "530 5.7.0");
        await secure.Ask("AUTH PLAIN " + SecureClient.Plain("ann", SecureClient.Key), "235 ");
    }

    [Fact]
    public async Task In_the_clear_there_is_no_login_and_no_mail()
    {
        await using var client = await SecureClient.InTheClear();
        await client.Ask("AUTH PLAIN " + SecureClient.Plain("ann", SecureClient.Key), "530 5.7.0 Must issue a STARTTLS command first");
        await client.Ask("AUTH LOGIN", "530 5.7.0 Must issue a STARTTLS command first");
        await client.Ask("MAIL FROM:<ann@example.net>", "530 5.7.0 Must issue a STARTTLS command first");
        await client.Ask("RCPT TO:<bob@example.org>\r\nDATA", "503 5.5.1", "503 5.5.1");
    }

    [Fact]
    public async Task Refused_logins_are_answered_later_each_time_and_the_third_is_the_last()
    {
        await using var secure = await SecureClient.Ready();
        var started = secure.Client.Time.GetUtcNow();
        await secure.AskAndWait("AUTH PLAIN " + SecureClient.Plain("ann", "wrong"), "535 5.7.8 The key is unknown");
        await secure.AskAndWait("AUTH PLAIN " + SecureClient.Plain("ann", "wrong"), "535 5.7.8 The key is unknown");
        await secure.AskAndWait("AUTH PLAIN " + SecureClient.Plain("ann", "wrong"), "421 4.7.0 Too many failed logins");
        await secure.ExpectEnd();
        Assert.True(secure.Client.Time.GetUtcNow() - started >= TimeSpan.FromSeconds(6));
    }

    [Fact]
    public async Task A_store_that_is_away_is_no_failed_login()
    {
        await using var secure = await SecureClient.Ready();
        for (var count = 0; count < 4; count++) await secure.Ask("AUTH PLAIN " + SecureClient.Plain("ann", "away"), "454 4.7.0");
        await secure.Ask("AUTH PLAIN " + SecureClient.Plain("ann", SecureClient.Key), "235 ");
    }

    [Fact]
    public async Task A_421_of_the_policy_is_the_end()
    {
        await using var secure = await SecureClient.Ready();
        await secure.Ask("AUTH PLAIN " + SecureClient.Plain("ann", "banned"), "421 4.7.0");
        await secure.ExpectEnd();
    }

    [Theory]
    [InlineData("AUTH LOGIN\r\nQW5u\r\n", "554 5.5.0")]
    [InlineData("AUTH PLAIN\r\nMAIL FROM:<ann@example.net>\r\n", "554 5.5.0")]
    public async Task What_does_not_wait_for_a_challenge_is_the_end(string pipelined, string reply)
    {
        await using var secure = await SecureClient.Ready();
        await secure.Write(pipelined);
        await secure.Expect(reply);
        await secure.ExpectEnd();
    }

    [Fact]
    public async Task What_is_pipelined_behind_a_login_ends_the_session_before_it()
    {
        await using var secure = await SecureClient.Ready();
        await secure.Ask("AUTH PLAIN " + SecureClient.Plain("ann", SecureClient.Key) + "\r\nMAIL FROM:<ann@example.net>", "554 5.5.0");
        await secure.ExpectEnd();
    }

    [Fact]
    public async Task Whoever_has_no_key_is_dismissed_after_a_minute_however_busy()
    {
        await using var secure = await SecureClient.Ready();
        for (var second = 0; second < 59; second++)
        {
            secure.Client.Time.Advance(TimeSpan.FromSeconds(1));
            await secure.Ask("NOOP", "250 ");
        }
        secure.Client.Time.Advance(TimeSpan.FromSeconds(1));
        await secure.Ask("NOOP", "421 4.4.2");
        await secure.ExpectEnd();
    }

    [Fact]
    public async Task With_a_login_the_session_has_its_hour()
    {
        await using var secure = await SecureClient.Ready();
        await secure.Ask("AUTH PLAIN " + SecureClient.Plain("ann", SecureClient.Key), "235 ");
        secure.Client.Time.Advance(TimeSpan.FromMinutes(4));
        await secure.Ask("MAIL FROM:<ann@example.net>", "250 2.1.0");
    }
}
