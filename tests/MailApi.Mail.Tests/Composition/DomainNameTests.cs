using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Mail.Tests.Composition;

public class DomainNameTests
{
    public static TheoryData<string, string> Accepted => [.. TestData.Rows("domains.txt").Select(row => (row[0], row[1]))];

    [Theory]
    [MemberData(nameof(Accepted))]
    public void A_domain_name_becomes_lower_case_A_labels_and_stays_so(string text, string expected)
    {
        Assert.True(DomainName.TryParse(text, out var domain));
        Assert.Equal(expected, domain);
        Assert.True(DomainName.TryParse(domain, out var again));
        Assert.Equal(domain, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData("example.com.")]
    [InlineData(".example.com")]
    [InlineData("a..b")]
    [InlineData("-a.example")]
    [InlineData("a-.example")]
    [InlineData("a_b.example")]
    [InlineData("a b.example")]
    [InlineData(" a.example")]
    [InlineData("a.example\n")]
    [InlineData("a.example\r\nRCPT TO:<x@y.example>")]
    [InlineData("1.2.3.4")]
    [InlineData("[1.2.3.4]")]
    [InlineData("[IPv6:2001:db8::1]")]
    [InlineData("example.123")]
    [InlineData("a\u0000b.example")]
    [InlineData("a/b.example")]
    [InlineData("a\uFF20b.example")] // fullwidth @
    [InlineData("a\u2100b.example")] // holds a slash
    [InlineData("a\u2488b.example")] // a digit with a full stop
    [InlineData("\u0300a.example")] // starts with a combining mark
    [InlineData("a\u200Db.example")] // a joiner that joins nothing
    [InlineData("a\u200Cb.example")]
    [InlineData("a\u202Eb.example")] // right-to-left override
    [InlineData("\u05D0a.example")] // directions mixed in a label
    [InlineData("a\uE000b.example")] // private use
    [InlineData("a\u0378b.example")] // unassigned
    [InlineData("xn--a.example")] // stands for a control character
    [InlineData("xn--zzzzzzzz.example")] // no Punycode
    [InlineData("xn--example-.example")]
    [InlineData("xn--bcher-2pa.example")] // stands for BÜcher in capitals, which is mapped
    [InlineData("xn--ß.example")]
    public void What_is_no_domain_name_of_mail_is_refused(string? text) => Assert.False(DomainName.TryParse(text, out _));

    [Fact]
    public void A_lone_surrogate_is_refused() => Assert.False(DomainName.TryParse("a\uD800.example", out _));

    [Fact]
    public void Labels_have_63_octets_and_names_253_at_most()
    {
        var label = new string('a', 63);
        Assert.True(DomainName.TryParse($"{label}.example", out _));
        Assert.False(DomainName.TryParse($"{label}a.example", out _));
        Assert.True(DomainName.TryParse($"{label}.{label}.{label}.{new string('a', 61)}", out var longest));
        Assert.Equal(253, longest.Length);
        Assert.False(DomainName.TryParse($"{label}.{label}.{label}.{new string('a', 62)}", out _));
        Assert.False(DomainName.TryParse($"{new string('ü', 60)}.example", out _));
    }
}
