using System.Text;
using MailApi.Mail.Composition;
using Xunit;
using static MailApi.Mail.Tests.Composition.Drafts;

namespace MailApi.Mail.Tests.Composition;

/// <summary>Bodies that try to end the message early: whatever a receiver takes for a line end, it finds no <c>.</c> line but behind a CRLF.</summary>
public class SmugglingTests
{
    private static readonly string[] Ends =
        ["\r.\r", "\n.\n", "\r\n.\r", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r\n", "\r\n\0.\r\n", "\r\r\n.\r\r\n", "\n\r.\n\r"];

    private static readonly int[] Boundaries = [0, 1, 72, 76, 997, 998, 4094, 4095, 4096, 4097, 8191, 8192];

    [Theory]
    [InlineData('x')]
    [InlineData('中')]
    public void An_end_of_data_in_a_body_is_a_line_with_a_dot(char filler)
    {
        foreach (var end in Ends)
        {
            foreach (var length in Boundaries)
            {
                var body = $"{new string(filler, length)}{end}MAIL FROM:<a@b.example>{end}";
                var octets = Composer.Compose(Plain with { Text = body, Html = body });
                Wire.AssertClean(octets);
                Assert.Equal(Wire.WithCrLf(body), Wire.Content(Wire.Read(octets), "plain"));
                Assert.Equal(Wire.WithCrLf(body), Wire.Content(Wire.Read(octets), "html"));
            }
        }
    }

    [Fact]
    public void An_attachment_is_the_same_octets_again()
    {
        foreach (var end in Ends)
        {
            var content = Encoding.ASCII.GetBytes($"x{end}y{end}");
            var octets = Composer.Compose(Plain with { Attachments = [new("a.txt", "text/plain", content, null)] });
            Wire.AssertClean(octets);
            Assert.Equal(content, Wire.Decoded(Assert.Single(Wire.Read(octets).Attachments)));
        }
    }
}
