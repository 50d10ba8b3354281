using CsCheck;
using MailApi.Mail.Bounces;
using MailApi.Mail.Composition;
using MailApi.Mail.Tests.Composition;
using MailApi.Testing;
using Xunit;
using MailPath = MailApi.Mail.Smtp.Listener.MailPath;

namespace MailApi.Mail.Tests.Properties;

/// <summary>What is written is read as what it was.</summary>
public sealed class RoundTripProperties
{
    private static readonly DateOnly Epoch = new(2000, 1, 1);

    [Fact]
    public void A_message_is_to_its_reader_what_it_was_to_its_author() => Given.Draft.Sample(
        draft =>
        {
            var octets = Composer.Compose(draft);
            Wire.AssertClean(octets);
            ComposerTests.AssertSame(draft, Wire.Read(octets));
        },
        iter: Samples.Of(150), threads: 1, print: draft => $"{draft.From} → {string.Join(", ", draft.To)}; {draft.Subject}; {draft.Text}; {draft.Html}; {string.Join(", ", draft.Headers)}; {string.Join(", ", draft.Attachments)}");

    [Fact]
    public void An_address_reads_as_it_prints() => Given.Mailbox.Sample(
        mailbox =>
        {
            Assert.True(EmailAddress.TryParse(mailbox.Address.ToString(), out var address));
            Assert.Equal(mailbox.Address, address);
            Assert.True(Mailbox.TryParse(mailbox.ToString(), out var again), mailbox.ToString());
            Assert.Equal(mailbox, again);
            // And it is a path that our own listener takes.
            Assert.True(MailPath.TryParse(address.ToString(), out var path));
            Assert.Equal(address.ToString(), path.ToString());
        },
        iter: Samples.Of(2_000), threads: 1);

    [Fact]
    public void A_tag_names_its_envelope_until_its_day_and_no_other_tag_does() => Gen.Select(Gen.Guid, Gen.Int[0, 65_535], Gen.Byte.Array[32], Gen.Int[0, 44], Gen.OneOf("abcdefghijklmnopqrstuvwxyz234567".ToCharArray())).Sample(
        (envelope, day, key, place, letter) =>
        {
            var (verp, expires) = (new Verp(key), Epoch.AddDays(day));
            var tag = verp.Tag(envelope, expires);
            Assert.True(tag.Length <= MailPath.LocalPartBytesMax);
            Assert.True(verp.TryRead(tag.ToUpperInvariant(), expires, out var read));
            Assert.Equal(envelope, read);
            Assert.False(verp.TryRead(tag, expires.AddDays(1), out _));
            var other = tag[..place] + letter + tag[(place + 1)..];
            if (other != tag) Assert.False(verp.TryRead(other, expires, out _), other);
        },
        iter: Samples.Of(2_000), threads: 1);
}
