using MailApi.Mail.Smtp.Listener;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

public sealed class MailPathTests
{
    [Theory]
    [InlineData("ann@example.net", "ann", "example.net")]
    [InlineData("Ann@EXAMPLE.Net", "Ann", "example.net")]
    [InlineData("a.b+c=d@x", "a.b+c=d", "x")]
    [InlineData(".odd..dots.@example.net", ".odd..dots.", "example.net")]
    [InlineData("\"a b\"@example.net", "\"a b\"", "example.net")]
    [InlineData("\"a@b\\\"c>\"@example.net", "\"a@b\\\"c>\"", "example.net")]
    [InlineData("\"\\\\\"@example.net", "\"\\\\\"", "example.net")]
    [InlineData("ann@[192.0.2.1]", "ann", "[192.0.2.1]")]
    [InlineData("ann@[IPv6:2001:db8::1]", "ann", "[ipv6:2001:db8::1]")]
    [InlineData("ann@under_score.example", "ann", "under_score.example")]
    [InlineData("müller@bücher.example", "müller", "bücher.example")]
    [InlineData("Postmaster", "Postmaster", "")]
    [InlineData("ann", "ann", "")]
    [InlineData("example.net!ann", "example.net!ann", "")]
    [InlineData("\"ann@example.net\"", "\"ann@example.net\"", "")]
    public void A_mailbox_is_read(string text, string localPart, string domain)
    {
        Assert.True(MailPath.TryParse(text, out var path));
        Assert.Equal((localPart, domain), (path.LocalPart, path.Domain));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("@example.net")]
    [InlineData("ann@")]
    [InlineData("a b@example.net")]
    [InlineData("a@b@example.net")]
    [InlineData("<ann@example.net>")]
    [InlineData("@relay.test:ann@example.net")]
    [InlineData("ann@example..net")]
    [InlineData("ann@example.net.")]
    [InlineData("ann@exa mple.net")]
    [InlineData("ann@[192.0.2.1")]
    [InlineData("ann@[]")]
    [InlineData("\"@example.net")]
    [InlineData("\"\"@example.net")]
    [InlineData("\"a\"b@example.net")]
    [InlineData("\"a\"b\"@example.net")]
    [InlineData("\"a\\\"@example.net")]
    [InlineData("\"a\\\\\"b\"@example.net")]
    [InlineData("ann\u0085@example.net")]
    [InlineData("ann\u2028@example.net")]
    [InlineData("ann@example.net\u00A0")]
    [InlineData("a,b@example.net")]
    public void What_is_no_mailbox_is_refused(string text) => Assert.False(MailPath.TryParse(text, out _));

    [Theory]
    [InlineData(64, 63, true)]
    [InlineData(65, 63, false)]
    [InlineData(64, 64, false)]
    public void Parts_have_their_limits(int local, int label, bool expected) => Assert.Equal(expected, MailPath.TryParse($"{new string('a', local)}@{new string('b', label)}.test", out _));

    [Fact]
    public void A_path_has_its_limit()
    {
        var domain = string.Join('.', Enumerable.Repeat(new string('d', 49), 5));
        Assert.True(MailPath.TryParse($"{new string('a', 254 - 1 - domain.Length)}@{domain}", out _));
        Assert.False(MailPath.TryParse($"{new string('a', 255 - 1 - domain.Length)}@{domain}", out _));
    }
}
