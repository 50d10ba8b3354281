using System.Text;
using MailApi.Mail.Smtp.Submission;
using MailApi.Testing.Fuzzing;
using Xunit;

namespace MailApi.Mail.Tests.Submission;

public sealed class LastingOctetsTests
{
    private const string Mixed = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/related;\n boundary=\"c d\"; type=\"text/html\"\n\n--c d\n\nOne\n--c d--\n--b\nContent-Type: text/plain\n\nTwo\n--b--\n";

    [Theory]
    [InlineData("Date: today\nSubject: a\nMessage-ID: <1@b>\n\nx\n", "Subject: a\nreceived: from x\n by y\nDATE: tomorrow\n\nx\n", true)]
    [InlineData("Subject: a\n\nx\n", "Subject: b\n\nx\n", false)]
    [InlineData("Subject: a\n\nDate: today\n", "Subject: a\n\nDate: tomorrow\n", false)]
    [InlineData("Subject: a\n\n--b\nx\n", "Subject: a\n\n--c\nx\n", false)]
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n", "Content-Type: multipart/mixed; boundary=mixed\n\n--mixed\n\nx\n--mixed--\n", true)]
    // The text of a boundary in another place, or where none is declared, is text.
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nof b\n--b--\n", "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nof c\n--c--\n", false)]
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--0\n\ny\n--b--\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n\ny\n--b--\n", false)]
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n", false)]
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\nDate: 1\n\nx\n--b--\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\nDate: 2\n\nx\n--b--\n", false)]
    public void What_a_program_writes_anew_makes_no_other_message_and_all_else_does(string one, string other, bool isSame) => Assert.Equal(isSame, Of(one) == Of(other));

    [Fact]
    public void Each_boundary_has_its_ordinal_however_they_are_nested()
    {
        Assert.Equal(Of(Mixed), Of(Mixed.Replace("c d", "b-2", StringComparison.Ordinal).Replace("=b\n", "=_z\n", StringComparison.Ordinal).Replace("--b\n", "--_z \t\n", StringComparison.Ordinal).Replace("--b--", "--_z--", StringComparison.Ordinal)));
        // The parts of one are not those of the other.
        Assert.NotEqual(Of(Mixed), Of(Mixed.Replace("--b\nContent-Type: text/plain", "--c d\nContent-Type: text/plain", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_boundaries_and_such_fields_it_is_the_message_itself_and_any_beginning_is_read()
    {
        const string Plain = "Subject: a\nTo: b\n c\n\nx\n\n--y\n";
        Assert.Equal(Plain.ReplaceLineEndings("\r\n"), Of(Plain));
        for (var length = 0; length < Mixed.Length; length++) Assert.NotNull(Of(Mixed[..length]));
    }

    [Trait("Takes", "seconds")]
    [Theory]
    [InlineData("--b\r\n")]
    [InlineData("--b--\r\n")]
    [InlineData("--x\r\n")]
    [InlineData("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")]
    [InlineData("--b\r\nContent-Type: a/b;\r\n")]
    [InlineData("\r\n--")]
    [InlineData(" ;boundary=c\r\n")]
    public void Whatever_is_repeated_without_end_is_read_in_time_linear_in_its_size(string piece)
    {
        var message = Encoding.ASCII.GetBytes("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b;\r\n" + string.Concat(Enumerable.Repeat(piece, (4 << 20) / piece.Length)));
        var began = ThreadTime.Now;
        Assert.NotEqual(0, LastingOctets.Of(message).Sum(octets => octets.Length));
        Assert.True(ThreadTime.Now - began < TimeSpan.FromSeconds(5));
    }

    private static string Of(string message) => string.Concat(LastingOctets.Of(Encoding.Latin1.GetBytes(message.ReplaceLineEndings("\r\n"))).Select(octets => Encoding.Latin1.GetString(octets.Span)));
}
