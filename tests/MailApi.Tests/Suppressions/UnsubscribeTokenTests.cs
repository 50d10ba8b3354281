using System.Text;
using MailApi.Api;
using MailApi.Suppressions;
using Xunit;

namespace MailApi.Tests.Suppressions;

public sealed class UnsubscribeTokenTests
{
    private static readonly EnvelopeId Envelope = PrefixedId.New<EnvelopeId>();
    private readonly UnsubscribeToken tokens = new([.. Enumerable.Range(0, 32).Select(value => (byte)value)]);

    [Fact]
    public void A_token_names_its_envelope()
    {
        Assert.True(tokens.TryRead(tokens.Create(Envelope), out var read));
        Assert.Equal(Envelope, read);
    }

    [Fact]
    public void A_token_with_any_character_changed_is_not_ours()
    {
        var token = tokens.Create(Envelope);

        for (var at = 0; at < token.Length; at++)
        {
            // The last character has four bits; the other one differs in those.
            var forged = token.Remove(at, 1).Insert(at, token[at] == 'A' ? "Q" : "A");
            Assert.False(tokens.TryRead(forged, out _), $"character {at}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("é~AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void What_is_no_token_names_nothing(string token) => Assert.False(tokens.TryRead(token, out _));

    [Fact]
    public void A_token_under_another_key_is_not_ours() => Assert.False(tokens.TryRead(new UnsubscribeToken(new byte[32]).Create(Envelope), out _));

    [Fact]
    public void A_mailbox_names_its_envelope_in_whatever_case_it_comes_back()
    {
        var mailbox = tokens.Mailbox(Envelope);

        Assert.InRange(mailbox.Length, 1, 64);
        foreach (var form in (string[])[mailbox, mailbox.ToUpperInvariant()])
        {
            Assert.True(tokens.TryReadMailbox(form, out var read));
            Assert.Equal(Envelope, read);
        }
    }

    [Fact]
    public void A_mailbox_with_any_character_changed_is_not_ours()
    {
        var mailbox = tokens.Mailbox(Envelope);

        for (var at = 0; at < mailbox.Length; at++)
            Assert.False(tokens.TryReadMailbox(mailbox.Remove(at, 1).Insert(at, mailbox[at] == 'a' ? "q" : "a"), out _), $"character {at}");
        Assert.False(tokens.TryReadMailbox(mailbox[2..], out _));
        Assert.False(tokens.TryReadMailbox("", out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_headers_are_those_of_RFC_8058_with_each_address_whole_on_a_line(bool receivesMail)
    {
        var lines = Encoding.ASCII.GetString(new UnsubscribeHeaders(tokens, receivesMail).For(Envelope, "track.newsletter.shop.example", "bounces.newsletter.shop.example")).Split("\r\n");

        string[] addresses = receivesMail
            ? [$" <https://track.newsletter.shop.example/u/{tokens.Create(Envelope)}>,", $" <mailto:{tokens.Mailbox(Envelope)}@bounces.newsletter.shop.example>"]
            : [$" <https://track.newsletter.shop.example/u/{tokens.Create(Envelope)}>"];
        Assert.Equal(["List-Unsubscribe:", .. addresses, "List-Unsubscribe-Post: List-Unsubscribe=One-Click", ""], lines);
    }
}
