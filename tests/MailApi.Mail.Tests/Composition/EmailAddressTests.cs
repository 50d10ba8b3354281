using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Mail.Tests.Composition;

public class EmailAddressTests
{
    [Theory]
    [InlineData("ann@example.net", "ann@example.net")]
    [InlineData("Ann.O'Neil+tag=1@Example.NET", "Ann.O'Neil+tag=1@example.net")]
    [InlineData("!#$%&'*+-/=?^_`{|}~@example.net", "!#$%&'*+-/=?^_`{|}~@example.net")]
    [InlineData("a@bücher.example", "a@xn--bcher-kva.example")]
    [InlineData("a@例子.中国", "a@xn--fsqu00a.xn--fiqs8s")]
    [InlineData("小明@例子.中国", "小明@xn--fsqu00a.xn--fiqs8s")]
    [InlineData("jörg@example.net", "jörg@example.net")]
    [InlineData("\"ann\"@example.net", "ann@example.net")]
    [InlineData("\"a\\nn\"@example.net", "ann@example.net")]
    [InlineData("\"a.n.n\"@example.net", "a.n.n@example.net")]
    [InlineData("\"a n\"@example.net", "\"a n\"@example.net")]
    [InlineData("\"a@n\"@example.net", "\"a@n\"@example.net")]
    [InlineData("\"a..n\"@example.net", "\"a..n\"@example.net")]
    [InlineData("\"a\\\"n\"@example.net", "\"a\\\"n\"@example.net")]
    [InlineData("\"a\\\\n\"@example.net", "\"a\\\\n\"@example.net")]
    [InlineData("\"a\\ n\"@example.net", "\"a n\"@example.net")]
    [InlineData("\"<a>\"@example.net", "\"<a>\"@example.net")]
    public void An_address_is_read_into_its_one_form(string text, string expected)
    {
        Assert.True(EmailAddress.TryParse(text, out var address));
        Assert.Equal(expected, address.ToString());
        Assert.True(EmailAddress.TryParse(address.ToString(), out var again));
        Assert.Equal(address, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("<>")]
    [InlineData("<a@b.example>")]
    [InlineData("a")]
    [InlineData("@")]
    [InlineData("a@")]
    [InlineData("@b.example")]
    [InlineData("a@@b.example")]
    [InlineData("a@b@c.example")]
    [InlineData("a@b")]
    [InlineData(".a@b.example")]
    [InlineData("a.@b.example")]
    [InlineData("a..a@b.example")]
    [InlineData("a a@b.example")]
    [InlineData(" a@b.example")]
    [InlineData("a@b.example ")]
    [InlineData("a @b.example")]
    [InlineData("a@ b.example")]
    [InlineData("a@b.example\r\n")]
    [InlineData("a@b\r\nRCPT TO:<c@d.example>")]
    [InlineData("a@b.example\r\nRCPT TO:<c@d.example>")]
    [InlineData("a\r\nRCPT TO:<c@d.example>@b.example")]
    [InlineData("\"a\r\nDATA\"@b.example")]
    [InlineData("\"a\\\r\\\nDATA\"@b.example")]
    [InlineData("a\0@b.example")]
    [InlineData("a\t@b.example")]
    [InlineData("a\u007F@b.example")]
    [InlineData("a\u0085@b.example")]
    [InlineData("a\u00A0@b.example")]
    [InlineData("a\u200B@b.example")]
    [InlineData("a\u202E@b.example")]
    [InlineData("a\u2028@b.example")]
    [InlineData("a\uFEFF@b.example")]
    [InlineData("\"a\u0085\"@b.example")]
    [InlineData("\"\u2029\"@b.example")]
    [InlineData("a>@b.example")]
    [InlineData("a@b.example>")]
    [InlineData("a@b.example> SIZE=1")]
    [InlineData("a,b@c.example")]
    [InlineData("a;b@c.example")]
    [InlineData("a:b@c.example")]
    [InlineData("@relay.example:a@b.example")]
    [InlineData("a(comment)@b.example")]
    [InlineData("a@b.example(comment)")]
    [InlineData("a@[1.2.3.4]")]
    [InlineData("a@[IPv6:2001:db8::1]")]
    [InlineData("a@1.2.3.4")]
    [InlineData("a@b.example.")]
    [InlineData("\"\"@b.example")]
    [InlineData("\"a@b.example")]
    [InlineData("\"a\"b@c.example")]
    [InlineData("\"a\".b@c.example")]
    [InlineData("\"a\\\"@b.example")]
    [InlineData("\"")]
    [InlineData("\"\\")]
    public void What_is_no_single_address_is_refused(string? text) => Assert.False(EmailAddress.TryParse(text, out _));

    [Fact]
    public void A_lone_surrogate_is_refused()
    {
        Assert.False(EmailAddress.TryParse("a\uD800@b.example", out _));
        Assert.False(EmailAddress.TryParse("\"\uDC00\"@b.example", out _));
    }

    [Fact]
    public void A_local_part_has_64_octets_at_most_in_UTF8()
    {
        Assert.True(EmailAddress.TryParse($"{new string('a', 64)}@b.example", out _));
        Assert.False(EmailAddress.TryParse($"{new string('a', 65)}@b.example", out _));
        Assert.True(EmailAddress.TryParse($"{new string('中', 21)}@b.example", out _));
        Assert.False(EmailAddress.TryParse($"{new string('中', 22)}@b.example", out _));
        // With its quotes.
        Assert.True(EmailAddress.TryParse($"\"{new string('a', 61)} \"@b.example", out _));
        Assert.False(EmailAddress.TryParse($"\"{new string('a', 62)} \"@b.example", out _));
    }

    [Fact]
    public void An_address_has_254_octets_at_most()
    {
        var label = new string('b', 63);
        var domain = $"{label}.{label}.{new string('c', 57)}.example";
        Assert.Equal(193, domain.Length);
        Assert.True(EmailAddress.TryParse($"{new string('a', 60)}@{domain}", out var longest));
        Assert.Equal(254, longest.ToString().Length);
        Assert.False(EmailAddress.TryParse($"{new string('a', 61)}@{domain}", out _));
    }

    [Fact]
    public void Only_a_local_part_beyond_ASCII_needs_SMTPUTF8()
    {
        Assert.True(EmailAddress.TryParse("小明@example.net", out var local));
        Assert.True(local.NeedsSmtpUtf8);
        Assert.True(EmailAddress.TryParse("a@例子.中国", out var domain));
        Assert.False(domain.NeedsSmtpUtf8);
    }
}
