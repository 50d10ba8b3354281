using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class ReplyTests
{
    [Theory]
    [InlineData(250, "2.0.0 ok", "2.0.0", "ok")]
    [InlineData(250, "2.0.0", "2.0.0", "")]
    [InlineData(250, "ok", null, "ok")]
    [InlineData(250, "", null, "")]
    [InlineData(550, "2.0.0 of another class", null, "2.0.0 of another class")]
    [InlineData(550, "5.7.1 one 5.7.1 two 5.7.1", "5.7.1", "one two")]
    [InlineData(550, "5.1.1 see 15.1.1 there", "5.1.1", "see 15.1.1 there")]
    [InlineData(550, "5.1.1 not 5.1.10 here", "5.1.1", "not 5.1.10 here")]
    [InlineData(550, "5.7.515 Access denied", "5.7.515", "Access denied")]
    [InlineData(550, "5.7.1234 x", null, "5.7.1234 x")]
    [InlineData(550, "a\r\nb\0c\u009bd\u2028e", null, "a b c d e")]
    public void The_text_is_split_from_the_enhanced_code(int code, string text, string? enhanced, string rest)
    {
        Assert.Equal(new Reply(code, enhanced, rest), Reply.From(code, text));
    }

    [Fact]
    public void A_long_text_is_cut_between_characters()
    {
        var text = Reply.From(550, new string('x', Reply.TextCharsMax - 1) + "\U0001F4E7").Text;

        Assert.Equal(new string('x', Reply.TextCharsMax - 1), text);
        Assert.Equal(Reply.TextCharsMax, Reply.From(550, new string('x', 5000)).Text.Length);
    }

    [Theory]
    [InlineData(250, true, false, false)]
    [InlineData(354, true, false, false)]
    [InlineData(421, false, true, false)]
    [InlineData(556, false, false, true)]
    public void The_first_digit_tells_the_kind(int code, bool positive, bool transient, bool permanent)
    {
        var reply = new Reply(code, null, "");

        Assert.Equal((positive, transient, permanent), (reply.IsPositive, reply.IsTransient, reply.IsPermanent));
    }
}
