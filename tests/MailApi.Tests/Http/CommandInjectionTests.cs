using System.Text.RegularExpressions;

namespace MailApi.Tests.Http;

/// <summary>S-02: an address ends its SMTP command and begins another, or names someone else.</summary>
public sealed partial class CommandInjectionTests(TestHost host)
{
    [Theory]
    [InlineData("o'brien")]
    [InlineData("ann+shop")]
    [InlineData("ann%other.example")]
    [InlineData("other.example!ann")]
    [InlineData("#$&*-/=?^_`{|}~")]
    [InlineData("-oQ/tmp")]
    [InlineData("\"a b\"")]
    [InlineData("\"a@b.example\"")]
    [InlineData("\"a b>\"")]
    [InlineData("\"<a@b.example>\"")]
    [InlineData("\"a> SIZE=1\"")]
    [InlineData("\"RCPT TO:<victim@example.net>\"")]
    [InlineData("\"a\\\"b\"")]
    [InlineData("\"a\\\\b\"")]
    [InlineData("\"a\\\\\"")]
    [InlineData("\".a..b.\"")]
    [InlineData("\" \"")]
    [InlineData("\"a,b;c:d\"")]
    [InlineData("\"quoted\"", "quoted")]
    [InlineData("\"a\\b\"", "ab")]
    public async Task A_strange_but_valid_recipient_is_one_word_of_one_command(string local, string? onTheWire = null)
    {
        var domain = $"d{Guid.NewGuid():N}.test";
        host.Dns.Mx(domain, 10, "mx.example.net");
        var tenant = await host.AnyTenant();
        var message = await tenant.WaitFor(await tenant.Send(tenant.Mail($"{local}@{domain}")), "delivered");

        var recipient = $"{onTheWire ?? local}@{domain}";
        Assert.Equal(recipient, message.GetProperty("recipients")[0].GetProperty("address").GetString());
        var arrived = await host.Sink.WaitFor(kept => kept.Recipient.EndsWith(domain, StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        var said = arrived.Session.Transcript.Where(line => line.StartsWith("C: ", StringComparison.Ordinal)).ToList();
        var start = said.FindIndex(line => line.StartsWith($"C: MAIL FROM:<{arrived.MailFrom}>", StringComparison.Ordinal));
        Assert.Matches(@"^[a-z0-9.-]+@bounces\.", arrived.MailFrom);
        Assert.Equal(
            [$"C: MAIL FROM:<{arrived.MailFrom}> {arrived.MailParameters}".TrimEnd(), $"C: RCPT TO:<{recipient}>", "C: DATA", $"C: ({arrived.SizeBytes} bytes of message)"],
            said.Skip(start).Take(4));
        Assert.Matches(@"^(SIZE=\d+|BODY=(7BIT|8BITMIME)|\s)*$", arrived.MailParameters);
        Assert.Single(host.Sink.Messages, kept => kept.Recipient.EndsWith(domain, StringComparison.Ordinal));
        // The connection serves others too: nothing but our own commands was ever said on it.
        Assert.All(said, line => Assert.Matches(OurCommand(), line));
    }

    [GeneratedRegex(@"^C: (EHLO out\.mailapi\.test|MAIL FROM:<[a-z0-9.-]+@bounces\.[a-z0-9.-]+>[A-Z0-9= ]*|RCPT TO:<.+@[a-z0-9.-]+>|DATA|RSET|NOOP|QUIT|\(\d+ bytes of message\))$")]
    private static partial Regex OurCommand();
}
