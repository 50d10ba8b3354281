using MailApi.Mail.Dnssec;
using Xunit;

namespace MailApi.Mail.Tests.Dnssec;

public sealed class TrustAnchorTests
{
    [Theory]
    [InlineData("20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D")]
    [InlineData(" 20326  8 2 E06D44B80B8F1D39A95C0B0D7C65D084 58e880409bbc683457104237c7f8ec8d ")]
    public void An_anchor_is_the_data_of_a_DS_record(string text) => Assert.True(TrustAnchor.TryParse(text, out _));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("20326 8 2")]
    [InlineData("20326 8 2 E06")]
    [InlineData("20326 8 2 xy")]
    [InlineData("70000 8 2 E06D")]
    [InlineData("20326 300 2 E06D")]
    [InlineData("-1 8 2 E06D")]
    [InlineData(". IN DS 20326 8 2 E06D")]
    public void What_is_none_is_no_anchor(string? text) => Assert.False(TrustAnchor.TryParse(text, out _));

    [Fact]
    public void The_root_has_its_keys_of_2017_and_2024() => Assert.Equal(2, TrustAnchor.Root.Count);
}
