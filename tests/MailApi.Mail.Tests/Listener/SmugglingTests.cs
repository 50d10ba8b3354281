using System.Text;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

/// <summary>What one server takes for the end of a message and another for its middle smuggles mail past the first (CVE-2023-51764 and its kin).</summary>
public sealed class SmugglingTests
{
    private const string Smuggled = "MAIL FROM:<admin@example.net>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nx";

    public static TheoryData<string> Ends =>
    [
        "\n.\n", "\r.\r", "\r\n.\n", "\n.\r\n", "\r\n.\r", "\r.\r\n", "\n.\r", "\r.\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n\n.\r\n", "\r\n.\0\r\n\n", "\n\n.\n\n", "\r\n\r.\r\n", "\n..\n", "\r\n.\n\n", "\n\r\n.\n\r\n",
    ];

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task A_false_end_of_data_is_content_and_refused_with_it(string end)
    {
        await using var client = await Client.InTransaction();
        await client.Ask("DATA", "354 ");
        await client.Ask($"text{end}{Smuggled}\r\n.\r\nNOOP", "550 5.6.0", "250 2.0.0");
        await client.Ask("QUIT", "221 ");
        await client.ExpectEnd();
        Assert.Empty(client.Delivered);
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task A_false_end_is_none_wherever_the_network_cuts_it(string end)
    {
        var text = $"text{end}{Smuggled}\r\n.\r\n";
        for (var cut = 1; cut < text.Length; cut++)
        {
            await using var client = await Client.InTransaction();
            await client.Ask("DATA", "354 ");
            client.Write(text[..cut]);
            client.Write(text[cut..]);
            await client.Expect("550 5.6.0");
            Assert.Empty(client.Delivered);
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task A_chunk_may_not_hold_what_others_take_for_an_end(string end)
    {
        await using var client = await Client.InTransaction();
        var text = $"text{end}{Smuggled}\r\n";
        client.Write($"BDAT {text.Length} LAST\r\n{text}NOOP\r\n");
        await client.Expect("550 5.6.0", "250 2.0.0");
        Assert.Empty(client.Delivered);
    }

    [Theory]
    [InlineData("NOOP\nQUIT\r\n")]
    [InlineData("NOOP\rQUIT\r\n")]
    [InlineData("NOOP\r\r\nQUIT\r\n")]
    [InlineData("\nQUIT\r\n")]
    [InlineData("MAIL FROM:<ann@example.net>\nRCPT TO:<bob@example.org>\r\n")]
    [InlineData("NOOP 0123456789012345678901234567890123456789\nQUIT\r\n")]
    [InlineData("NOOP 0123456789\r012345678901234567890123456789\r\nQUIT\r\n")]
    public async Task A_bare_line_end_in_a_command_ends_the_session(string commands)
    {
        foreach (var piece in new[] { 1, 7, 1000 })
        {
            await using var client = await Client.Ready(new() { CommandLineBytesMax = 40 });
            foreach (var part in commands.Chunk(piece)) client.Write(new string(part));
            await client.Expect("500 5.5.2");
            await client.ExpectEnd();
        }
    }

    [Theory]
    [InlineData("EHLO client.test\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\x16\x03\x01")]
    public async Task A_client_that_speaks_before_the_greeting_is_turned_away(string early)
    {
        await using var client = Client.Connect(early: early);
        await client.Expect("554 5.5.0");
        await client.ExpectEnd();
    }

    [Fact]
    public async Task A_greeting_held_back_gives_a_client_time_to_speak_too_early()
    {
        await using var hasty = Client.Connect(new() { GreetingPause = TimeSpan.FromSeconds(2) });
        hasty.Write("EHLO client.test\r\n");
        hasty.Time.Advance(TimeSpan.FromSeconds(2));
        await hasty.Expect("554 5.5.0");
        await hasty.ExpectEnd();

        await using var patient = Client.Connect(new() { GreetingPause = TimeSpan.FromSeconds(2) });
        patient.Time.Advance(TimeSpan.FromSeconds(2));
        await patient.Expect("220 ");
    }

    [Theory]
    [InlineData("EHLO client.test\r\nMAIL FROM:<ann@example.net>\r\n")]
    [InlineData("HELO client.test\r\nM")]
    public async Task Pipelining_before_it_is_offered_ends_the_session(string commands)
    {
        await using var client = Client.Connect();
        await client.Expect("220 ");
        client.Write(commands);
        await client.Expect("554 5.5.0");
        await client.ExpectEnd();
    }

    [Fact]
    public async Task Content_that_does_not_wait_for_354_ends_the_session()
    {
        await using var client = await Client.InTransaction();
        client.Write($"DATA\r\n{Smuggled}\r\n.\r\n");
        await client.Expect("554 5.5.0");
        await client.ExpectEnd();
        Assert.Empty(client.Delivered);
    }

    [Fact]
    public void The_sequences_are_what_their_name_says()
    {
        // A true end among them would make every test above pass for the wrong reason or fail for it.
        Assert.All(Ends, end => Assert.DoesNotContain("\r\n.\r\n", "text" + Encoding.Latin1.GetString(Encoding.Latin1.GetBytes(end.Data)) + Smuggled, StringComparison.Ordinal));
    }
}
