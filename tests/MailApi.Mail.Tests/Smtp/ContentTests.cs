using System.Text;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class ContentTests
{
    public static TheoryData<string> Bodies()
    {
        var data = new TheoryData<string>
        {
            "",
            ".\r\n",
            "..\r\n",
            ".hidden\r\n\r\n.\r\n..\r\n",
            "\r\n\r\n.\r\n\r\n",
            "a\r\n.\r\nMAIL FROM:<eve@example.test>\r\n",
            "ends with spaces  \r\n\ttab\r\n",
            "-- \r\n=3D not decoded\r\nFrom not quoted\r\n",
            new string('x', 5000) + "\r\n",
        };
        // Around blocks of 4,096 octets and of the 32 KB that are gathered for one write (three are left for the final dot), with a line end, a dot, and a dot after a line end on the seam. "A: b" CRLF CRLF are 8.
        foreach (var size in (int[])[4095, 4096, 4097, 8191, 8192, 8193, 32763, 32764, 32765, 32766, 32767, 32768, 32769])
        {
            data.Add(new string('y', size - 8 - 2) + "\r\n");
            data.Add(new string('y', size - 8 - 2) + "\r\n.\r\n..\r\nz\r\n");
            data.Add(new string('y', size - 8 - 3) + "\r\n.z\r\n");
            data.Add(new string('y', size - 8 - 1) + "\r\n.\r\n");
        }
        return data;
    }

    [Trait("Takes", "seconds")]
    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Content_arrives_octet_by_octet(string body)
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var content = "A: b\r\n\r\n" + body;

        var result = await transmitter.Transmit(Sending.To(server), Sending.Envelope(content));

        Assert.IsType<TransmitResult.Accepted>(result);
        Assert.Equal(content, Encoding.Latin1.GetString(server.Messages.Single()));
        Assert.DoesNotContain(server.Transcript, line => line.Contains("eve", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("DKIM-Signature: v=1;\r\n\tb=abc\r\n", "Subject: =?utf-8?q?x?=\r\nX-Odd:no space\r\nx-odd :\r\nFrom: \"a\" <a@b.test>\r\n folded\r\n\r\nbody\r\n")]
    [InlineData("Content-Type: text/plain\r\n", "\r\nbody\r\n")]
    [InlineData("A: b\r\n\r\nbegin ", "end\r\n")]
    [InlineData("A: b\r\n\r", "\nbody\r\n")]
    [InlineData("Bcc: x\r\nContent-Transfer-Encoding: 8bit\r\nReceived: y\r\n\r\n", "\u00e9\u00ff\r\n")]
    public async Task Parts_are_joined_as_they_are(string first, string second)
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var envelope = Sending.Envelope() with { Content = [Encoding.Latin1.GetBytes(first), Encoding.Latin1.GetBytes(second)], EightBit = true };

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), envelope));

        Assert.Equal(first + second, Encoding.Latin1.GetString(server.Messages.Single()));
        Assert.Contains("MAIL FROM:<b+1@bounces.shop.test> BODY=8BITMIME", server.Transcript);
    }

    [Fact]
    public async Task A_large_message_arrives()
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();
        var content = "A: b\r\n\r\n" + string.Concat(Enumerable.Repeat("." + new string('z', 75) + "\r\n", 50_000));

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server), Sending.Envelope(content)));

        Assert.Equal(content, Encoding.Latin1.GetString(server.Messages.Single()));
    }

    [Theory]
    [InlineData("A: b\r\n\r\nbare\rcr\r\n")]
    [InlineData("A: b\r\n\r\nbare\nlf\r\n")]
    [InlineData("A: b\r\n\r\nx\r\r\n.\r\n")]
    [InlineData("A: b\r\n\r\nx\n.\r\n")]
    [InlineData("A: b\r\n\r\nx\r\n.\r")]
    [InlineData("A: b\r\n\r\nno end")]
    [InlineData("A: b\r\n")]
    [InlineData("\r\nbody\r\n")]
    [InlineData("no field\r\n\r\nbody\r\n")]
    [InlineData("")]
    public async Task What_could_smuggle_or_is_no_message_never_reaches_the_wire(string content)
    {
        await using var server = new ScriptedServer();
        await using var transmitter = Sending.Transmitter();

        await Assert.ThrowsAsync<ArgumentException>(() => transmitter.Transmit(Sending.To(server), Sending.Envelope(content)));

        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("MAIL", StringComparison.Ordinal));
    }
}
