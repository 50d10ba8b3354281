using MailApi.Api;
using MailApi.Reports;
using Xunit;

namespace MailApi.Tests.Reports;

public sealed class ReportTokenTests
{
    private static readonly DomainId Domain = PrefixedId.New<DomainId>();
    private readonly ReportToken tokens = new([.. Enumerable.Range(0, 32).Select(value => (byte)value)]);

    [Fact]
    public void A_token_names_its_domain()
    {
        Assert.True(tokens.TryRead(tokens.Create(Domain), out var read));
        Assert.Equal(Domain, read);
    }

    [Fact]
    public void A_token_with_any_character_changed_is_none()
    {
        var token = tokens.Create(Domain);
        for (var at = 0; at < token.Length; at++)
            Assert.False(tokens.TryRead(token[..at] + (token[at] == 'A' ? 'B' : 'A') + token[(at + 1)..], out _), $"changed at {at}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("not base64url!! not base64url!! not base64u")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void What_was_not_made_here_is_no_token(string text) => Assert.False(tokens.TryRead(text, out _));

    [Fact]
    public void A_token_of_another_installation_is_none() => Assert.False(tokens.TryRead(new ReportToken(new byte[32]).Create(Domain), out _));
}
