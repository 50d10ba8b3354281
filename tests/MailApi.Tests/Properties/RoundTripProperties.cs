using System.Security.Cryptography;
using System.Text;
using CsCheck;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Delivery.Categories;
using MailApi.Storage;
using MailApi.Suppressions;
using MailApi.Testing;
using MailApi.Webhooks;

namespace MailApi.Tests.Properties;

/// <summary>What is printed, sealed or marked is read as what it was, and as nothing where it was altered; and when what failed is tried again.</summary>
public sealed class RoundTripProperties
{
    private static readonly Gen<string> Text = Gen.Char.Array[0, 60].Select(chars => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(chars)));

    [Fact]
    public void An_id_reads_as_it_prints_and_in_no_other_form() => Gen.Guid.Sample(
        value =>
        {
            var text = MessageId.From(value).ToString();
            Assert.True(PrefixedId.TryParse<MessageId>(text, out var id) && id.Value == value);
            Assert.False(PrefixedId.TryParse<EnvelopeId>(text, out _));
            if (text[4..].Any(char.IsAsciiLetter)) Assert.False(PrefixedId.TryParse<MessageId>("msg_" + text[4..].ToUpperInvariant(), out _));
        },
        iter: Samples.Of(2_000), threads: 1);

    [Fact]
    public void A_cursor_holds_any_position() => Text.Sample(
        position => Assert.True(Paging.TryDecode(Paging.Encode(position), out var read) && read == position && Uri.EscapeDataString(Paging.Encode(position)) == Paging.Encode(position)), iter: Samples.Of(2_000), threads: 1);

    [Fact]
    public void An_unsubscribe_token_names_its_envelope_and_a_changed_one_none() => Gen.Select(Gen.Guid, Gen.Byte.Array[32], Gen.Int[0, 42], Gen.Char['0', 'z']).Sample(
        (value, key, place, letter) =>
        {
            var (tokens, envelope) = (new UnsubscribeToken(key), EnvelopeId.From(value));
            var (token, mailbox) = (tokens.Create(envelope), tokens.Mailbox(envelope));
            Assert.True(tokens.TryRead(token, out var read) && read == envelope);
            Assert.True(tokens.TryReadMailbox(mailbox.ToUpperInvariant(), out read) && read == envelope);
            var changed = token[..place] + letter + token[(place + 1)..];
            if (changed != token && tokens.TryRead(changed, out read)) Assert.Equal(envelope, read);
            Assert.False(new UnsubscribeToken([.. key[1..], (byte)(key[0] + 1)]).TryRead(token, out _));
        },
        iter: Samples.Of(2_000), threads: 1);

    [Fact]
    public void A_sealed_secret_opens_in_its_place_alone_and_only_whole() => Gen.Select(Gen.Byte.Array[0, 200], Gen.Byte.Array[Vault.KeyBytes], Gen.Guid, Gen.Int[0, int.MaxValue], Gen.Byte[1, 255]).Sample(
        (secret, key, row, place, difference) =>
        {
            var vault = new Vault(key);
            var closed = vault.Seal(secret, "relays", row, "password");
            Assert.Equal(secret, vault.Open(closed, "relays", row, "password"));
            Assert.ThrowsAny<CryptographicException>(() => vault.Open(closed, "relays", Guid.NewGuid(), "password"));
            Assert.ThrowsAny<CryptographicException>(() => vault.Open(closed, "relays", row, "token"));
            closed[place % closed.Length] ^= difference;
            Assert.ThrowsAny<CryptographicException>(() => vault.Open(closed, "relays", row, "password"));
            Assert.ThrowsAny<CryptographicException>(() => vault.Open(closed.AsSpan(0, place % closed.Length), "relays", row, "password"));
        },
        iter: Samples.Of(500), threads: 1);

    [Fact]
    public void A_cell_comes_back_from_a_spreadsheet_as_it_was_and_is_never_a_formula() => Gen.Select(Gen.OneOf("", "'", "''", " ", "= ", "'="), Gen.OneOf('=', '+', '-', '@', '\'', '\t', 'a', ' '), Text, (start, mark, text) => start + mark + text).Sample(
        cell =>
        {
            Assert.Equal(cell, CsvCells.Unguard(CsvCells.Guard(cell)));
            Assert.DoesNotContain(CsvCells.Guard(cell).TrimStart(' ').FirstOrDefault('a'), "=+-@\t\r");
        },
        iter: Samples.Of(2_000), threads: 1);

    [Fact]
    public void Webhooks_wait_longer_each_time_within_a_tenth_and_end() => Gen.Select(Gen.Double[0, 1], Gen.Double[0, 1]).Sample(
        (chance, other) =>
        {
            for (var tries = 1; RetrySchedule.After(tries, chance) is { } wait; tries++)
            {
                Assert.InRange(tries, 1, 9);
                Assert.InRange(wait, RetrySchedule.After(tries, 0)!.Value, RetrySchedule.After(tries, 0)!.Value * 1.1);
                if (RetrySchedule.After(tries + 1, other) is { } next) Assert.True(next > wait, $"After {tries} tries {wait}, then {next}.");
            }
        },
        iter: Samples.Of(300), threads: 1);

    [Fact]
    public void Mail_waits_longer_each_time_within_a_tenth_and_is_tried_again_within_its_lifetime() => Gen.Select(Gen.OneOf(NotificationConsumer.Defaults, SupportConsumer.Defaults, MarketingConsumer.Defaults), Gen.Int[0, 40]).Sample(
        (rules, tries) =>
        {
            var planned = rules.RetryDelays[Math.Min(tries, rules.RetryDelays.Count - 1)];
            Assert.InRange(rules.RetryAfter(tries), planned * 0.9, planned * 1.1);
            Assert.True(tries == 0 || planned >= rules.RetryDelays[Math.Min(tries - 1, rules.RetryDelays.Count - 1)]);
            Assert.True(rules.RetryDelays[0] * 1.1 < rules.Lifetime && planned * 1.1 < rules.Lifetime);
        },
        iter: Samples.Of(500), threads: 1);
}
