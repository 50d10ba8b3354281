using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Mail.Tests.Composition;

public class HeaderRulesTests
{
    [Theory]
    [InlineData("X-Order")]
    [InlineData("x")]
    [InlineData("List-Unsubscribe")]
    [InlineData("list-unsubscribe-post")]
    [InlineData("LIST-ID")]
    [InlineData("In-Reply-To")]
    [InlineData("References")]
    [InlineData("Auto-Submitted")]
    [InlineData("Feedback-ID")]
    public void A_caller_may_set_other_headers(string name) => Assert.Null(HeaderRules.NameError(name));

    [Theory]
    [InlineData("From")]
    [InlineData("fROM")]
    [InlineData("Sender")]
    [InlineData("To")]
    [InlineData("Cc")]
    [InlineData("BCC")]
    [InlineData("Reply-To")]
    [InlineData("Subject")]
    [InlineData("Date")]
    [InlineData("Message-Id")]
    [InlineData("MIME-Version")]
    [InlineData("Return-Path")]
    [InlineData("Received")]
    [InlineData("DKIM-Signature")]
    [InlineData("CFBL-Address")]
    [InlineData("cfbl-feedback-id")]
    [InlineData("Authentication-Results")]
    [InlineData("Content-Type")]
    [InlineData("content-transfer-encoding")]
    [InlineData("Content-Foo")]
    [InlineData("Resent-From")]
    [InlineData("resent-foo")]
    [InlineData("List-Help")]
    [InlineData("List-Unsubscribe-Foo")]
    [InlineData("ARC-Seal")]
    [InlineData("X-MailApi-Category")]
    [InlineData("")]
    [InlineData("X Order")]
    [InlineData("X-Order:")]
    [InlineData("X-Order ")]
    [InlineData("X-Ordér")]
    [InlineData("X\r\nBcc")]
    [InlineData("X-Order: 1\r\nBcc")]
    [InlineData("X\0")]
    public void A_caller_may_not_set_ours_or_what_is_no_name(string name) => Assert.NotNull(HeaderRules.NameError(name));

    [Fact]
    public void A_name_has_76_characters_at_most()
    {
        Assert.Null(HeaderRules.NameError(new string('x', 76)));
        Assert.NotNull(HeaderRules.NameError(new string('x', 77)));
    }

    [Fact]
    public void Every_control_character_and_line_separator_is_refused_anywhere_in_a_value()
    {
        foreach (var c in Enumerable.Range(0, 0x20).Append(0x7F).Append(0x85).Append(0x2028).Append(0x2029).Select(c => (char)c))
        {
            Assert.NotNull(HeaderRules.ValueError($"{c}a"));
            Assert.NotNull(HeaderRules.ValueError($"a{c}a"));
            Assert.NotNull(HeaderRules.ValueError($"a{c}"));
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        Assert.NotNull(HeaderRules.ValueError("a\uD83D"));
        Assert.NotNull(HeaderRules.ValueError("\uDE80a"));
        Assert.NotNull(HeaderRules.ValueError("\uDE80\uD83D"));
        Assert.Null(HeaderRules.ValueError("a\uD83D\uDE80"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Order 1001 is on its way")]
    [InlineData("您的订单已发货 ✓")]
    public void Other_text_may_be_a_value(string value) => Assert.Null(HeaderRules.ValueError(value));

    [Fact]
    public void A_value_has_a_bound()
    {
        Assert.Null(HeaderRules.ValueError(new string('x', HeaderRules.ValueCharsMax)));
        Assert.NotNull(HeaderRules.ValueError(new string('x', HeaderRules.ValueCharsMax + 1)));
    }

    [Theory]
    [InlineData("logo", true)]
    [InlineData("image001.png@01DA", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("<a>", false)]
    [InlineData("a\r\nX: y", false)]
    [InlineData("标志", false)]
    public void A_content_id_is_what_a_cid_address_can_name(string id, bool isGood) => Assert.Equal(isGood, HeaderRules.ContentIdError(id) is null);
}
