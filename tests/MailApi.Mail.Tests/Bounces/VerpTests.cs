using System.Text;
using MailApi.Mail.Bounces;
using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Mail.Tests.Bounces;

public class VerpTests
{
    private static readonly DateOnly Today = new(2026, 11, 20);
    private static readonly Verp Ours = new(Encoding.ASCII.GetBytes("a key of thirty-two octets, ours"));

    [Fact]
    public void A_tag_comes_back_as_its_envelope_in_any_case()
    {
        for (var i = 0; i < 100; i++)
        {
            var envelope = Guid.CreateVersion7();
            var tag = Ours.Tag(envelope, Today);
            foreach (var form in new[] { tag, tag.ToUpperInvariant() })
            {
                Assert.True(Ours.TryRead(form, Today, out var read));
                Assert.Equal(envelope, read);
            }
        }
    }

    [Fact]
    public void A_tag_is_a_lower_case_local_part()
    {
        var tag = Ours.Tag(Guid.CreateVersion7(), Today);
        Assert.Matches("^[a-z2-7]{1,64}$", tag);
        Assert.True(EmailAddress.TryParse($"{tag}@bounces.mail.shop.example", out var address));
        Assert.Equal(tag, address.LocalPart);
    }

    [Fact]
    public void A_tag_lasts_until_the_end_of_its_last_day()
    {
        var tag = Ours.Tag(Guid.CreateVersion7(), Today);
        Assert.True(Ours.TryRead(tag, Today.AddDays(-400), out _));
        Assert.True(Ours.TryRead(tag, Today, out _));
        Assert.False(Ours.TryRead(tag, Today.AddDays(1), out _));
    }

    [Fact]
    public void A_tag_altered_in_any_character_is_not_ours()
    {
        var tag = Ours.Tag(Guid.CreateVersion7(), Today);
        for (var i = 0; i < tag.Length; i++)
        {
            foreach (var c in "abcdefghijklmnopqrstuvwxyz234567".Where(c => c != tag[i]))
            {
                Assert.False(Ours.TryRead(tag[..i] + c + tag[(i + 1)..], Today, out var envelope));
                Assert.Equal(default, envelope);
            }
        }
    }

    [Fact]
    public void A_tag_of_another_key_is_not_ours() =>
        Assert.False(Ours.TryRead(new Verp(new byte[32]).Tag(Guid.CreateVersion7(), Today), Today, out _));

    [Theory]
    [InlineData("")]
    [InlineData("ann")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u0130")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Anything_else_is_not_ours(string localPart) => Assert.False(Ours.TryRead(localPart, Today, out _));

    [Fact]
    public void A_longer_or_shorter_tag_is_not_ours()
    {
        var tag = Ours.Tag(Guid.CreateVersion7(), Today);
        Assert.False(Ours.TryRead(tag + "a", Today, out _));
        Assert.False(Ours.TryRead(tag[..^1], Today, out _));
        Assert.False(Ours.TryRead(tag + "=", Today, out _));
    }
}
