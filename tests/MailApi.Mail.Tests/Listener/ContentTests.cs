using Xunit;

namespace MailApi.Mail.Tests.Listener;

public sealed class ContentTests
{
    /// <summary>What the client writes after 354, and the message it means (RFC 5321 §4.5.2).</summary>
    public static TheoryData<string, string> Stuffed => new()
    {
        { ".\r\n", "" },
        { "\r\n.\r\n", "\r\n" },
        { "text\r\n.\r\n", "text\r\n" },
        { "..\r\n.\r\n", ".\r\n" },
        { "...\r\n.\r\n", "..\r\n" },
        { ".text\r\n.\r\n", "text\r\n" },
        { "a\r\n..\r\n..b\r\nc.\r\n.\r\n", "a\r\n.\r\n.b\r\nc.\r\n" },
        { "a.\r\n..\r\n\r\n..\r\n.\r\n", "a.\r\n.\r\n\r\n.\r\n" },
        { "\r\n\r\n\r\n.\r\n", "\r\n\r\n\r\n" },
        { "Subject: x\r\n\r\n\0\x80\xFF\r\n.\r\n", "Subject: x\r\n\r\n\0\x80\xFF\r\n" },
    };

    [Theory]
    [MemberData(nameof(Stuffed))]
    public async Task Dots_are_taken_off_wherever_the_network_cuts(string wire, string expected)
    {
        for (var cut = 0; cut <= wire.Length; cut++)
        {
            await using var client = await Client.InTransaction();
            await client.Ask("DATA", "354 ");
            client.Write(wire[..cut]);
            client.Write(wire[cut..] + "QUIT\r\n");
            await client.Expect("250 2.0.0", "221 ");
            Assert.Equal(expected, Assert.Single(client.Delivered).Content);
        }
    }

    [Theory]
    [MemberData(nameof(Stuffed))]
    public async Task Dots_are_taken_off_wherever_memory_is_cut(string wire, string expected)
    {
        for (var bytes = 1; bytes <= 5; bytes++)
        {
            using var blocks = new TinyBlocks(bytes);
            await using var client = await Client.InTransaction(segments: blocks);
            await client.Ask("DATA", "354 ");
            client.Write(wire + "NOOP\r\nQUIT\r\n");
            await client.Expect("250 2.0.0", "250 2.0.0", "221 ");
            Assert.Equal(expected, Assert.Single(client.Delivered).Content);
        }
    }

    [Fact]
    public async Task A_long_message_comes_through_whole()
    {
        var lines = Enumerable.Range(0, 60_000).Select(number => number % 7 == 0 ? $".{number}" : new string((char)('a' + number % 26), number % 80));
        var message = string.Concat(lines.Select(line => line + "\r\n"));
        await using var client = await Client.InTransaction();
        await client.Ask("DATA", "354 ");
        var wire = message.Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        foreach (var part in ("." + wire).Chunk(10_007)) client.Write(new string(part));
        await client.Ask(".", "250 2.0.0");
        Assert.Equal(message, Assert.Single(client.Delivered).Content);
    }

    [Theory]
    [InlineData("BDAT 6 LAST\r\ntext\r\n", "text\r\n", "250 2.0.0 Stored")]
    [InlineData("BDAT 3\r\ntexBDAT 3 last\r\nt\r\n", "text\r\n", "250 2.0.0 3 octets", "250 2.0.0 Stored")]
    [InlineData("BDAT 5\r\ntext\rBDAT 1\r\n\nBDAT 0 LAST\r\n", "text\r\n", "250 2.0.0 5", "250 2.0.0 1", "250 2.0.0 Stored")]
    [InlineData("BDAT 0 LAST\r\n", "", "250 2.0.0 Stored")]
    [InlineData("BDAT 11 LAST\r\n.a\r\n.\r\n..\r\n", ".a\r\n.\r\n..\r\n", "250 2.0.0 Stored")]
    [InlineData("BDAT 4 LAST\r\ntext", "text", "250 2.0.0 Stored")]
    public async Task Chunks_are_taken_as_they_are(string wire, string expected, params string[] replies)
    {
        for (var cut = 0; cut <= wire.Length; cut++)
        {
            await using var client = await Client.InTransaction();
            client.Write(wire[..cut]);
            client.Write(wire[cut..] + "QUIT\r\n");
            await client.Expect([.. replies, "221 "]);
            Assert.Equal(expected, Assert.Single(client.Delivered).Content);
        }
    }

    [Fact]
    public async Task A_transaction_of_chunks_takes_neither_DATA_nor_recipients_and_RSET_ends_it()
    {
        await using var client = await Client.InTransaction();
        await client.Ask("BDAT 6\r\ntext\r\nDATA", "250 2.0.0", "503 5.5.1");
        await client.Ask("RCPT TO:<carol@example.org>", "503 5.5.1");
        await client.Ask("RSET\r\nBDAT 6 LAST\r\ntext\r\nNOOP", "250 2.0.0", "503 5.5.1", "250 2.0.0");
        Assert.Empty(client.Delivered);
    }

    [Fact]
    public async Task A_chunk_beyond_the_limit_is_skipped_with_all_that_follow()
    {
        await using var client = await Client.InTransaction(new() { MessageBytesMax = 10 });
        await client.Ask("BDAT 6\r\ntext\r\nBDAT 6\r\ntext\r\nBDAT 6 LAST\r\ntext\r\nNOOP", "250 2.0.0", "552 5.3.4", "503 5.5.1", "250 2.0.0");
        Assert.Empty(client.Delivered);
    }

    [Fact]
    public async Task A_chunk_may_not_end_the_message_with_a_bare_CR()
    {
        await using var client = await Client.InTransaction();
        await client.Ask("BDAT 5 LAST\r\ntext\rNOOP", "550 5.6.0", "250 2.0.0");
        Assert.Empty(client.Delivered);
    }

    [Theory]
    [InlineData("BDAT")]
    [InlineData("BDAT x")]
    [InlineData("BDAT -1")]
    [InlineData("BDAT 1 2")]
    [InlineData("BDAT 1 LAST LAST")]
    [InlineData("BDAT 99999999999999999999")]
    public async Task Where_a_chunk_ends_nobody_knows_the_session_ends(string command)
    {
        await using var client = await Client.InTransaction();
        await client.Ask(command, "501 5.5.4");
        await client.ExpectEnd();
    }
}
