using System.Text;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

public sealed class SoupTests
{
    private const int Sessions = 3000;

    private static readonly string[] Scraps =
    [
        "EHLO a.test\r\n", "HELO b.test\r\n", "MAIL FROM:<a@example.net>\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<b@example.org>\r\n", "RCPT TO:<nobody@example.org>\r\n", "DATA\r\n", "DATA",
        "BDAT 5\r\n", "BDAT 3 LAST\r\n", "BDAT 0 LAST\r\n", "RSET\r\n", "NOOP\r\n", "VRFY x\r\n", "HELP\r\n", "QUIT\r\n", "STARTTLS\r\n", "SIZE=", "<", ">", "\"", "\\", "@", ":", " ", "\0", "\xFF", "\xC3\xA9",
        "\r", "\n", "\r\n", ".", "..", "\r\n.\r\n", "\r\n.\r\n", ".\r\n", "\n.\n", "text", "Subject: x\r\n\r\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];

    /// <summary>Anything at all, in pieces of any size: the session ends when the client does, throws nothing, and speaks SMTP to the last line.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_soup_of_octets_hangs_or_breaks_a_session(int seed)
    {
        var random = new Random(seed);
        var delivered = 0;
        for (var count = 0; count < Sessions; count++)
        {
            await using var client = random.Next(3) switch
            {
                0 => Client.Connect(new() { CommandLineBytesMax = 60, MessageBytesMax = 200, TextLineBytesMax = 80 }),
                1 => await Client.Ready(new() { CommandLineBytesMax = 60, MessageBytesMax = 200, TextLineBytesMax = 80 }),
                _ => await Client.InTransaction(new() { ErrorsMax = 1000 }),
            };
            var soup = Soup(random);
            for (var at = 0; at < soup.Length;)
            {
                var piece = Math.Min(random.Next(1, 40), soup.Length - at);
                client.Write(soup.Substring(at, piece));
                at += piece;
            }
            client.Close();
            while (await client.ReadLine() is { } line) Assert.True(line.Length >= 4 && int.TryParse(line[..3], out var code) && code is >= 200 and <= 599 && line[3] is ' ' or '-', line);
            await client.Session.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            delivered += client.Delivered.Count;
            Assert.All(client.Delivered, message => Assert.Equal(-1, BareLineEnd(message.Content)));
        }
        // The soup is rich enough to get through now and then.
        Assert.InRange(delivered, Sessions / 100, Sessions * 10);
    }

    private static string Soup(Random random)
    {
        var soup = new StringBuilder();
        for (var scraps = random.Next(1, 30); scraps > 0; scraps--)
            soup.Append(random.Next(8) == 0 ? ((char)random.Next(256)).ToString() : Scraps[random.Next(Scraps.Length)]);
        return soup.ToString();
    }

    private static int BareLineEnd(string content) => content.Replace("\r\n", "", StringComparison.Ordinal).IndexOfAny(['\r', '\n']);
}
