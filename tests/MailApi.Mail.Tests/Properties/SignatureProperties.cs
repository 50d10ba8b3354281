using System.Text;
using CsCheck;
using MailApi.Mail.Composition;
using MailApi.Mail.Tests.Dkim;
using MailApi.Testing;
using Xunit;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Properties;

/// <summary>A signature over any message holds against what relaxed canonicalization (RFC 6376 §3.4.2, §3.4.4) lets pass, and against nothing else.</summary>
public sealed class SignatureProperties
{
    /// <summary>Fields that are signed whatever the message.</summary>
    private static readonly string[] Covered = ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];

    private static readonly Gen<Draft> Plain = Given.Draft.Select(draft => draft with { Headers = new Dictionary<string, string>(), Attachments = [] });

    [Fact]
    public Task It_bears_what_relays_do_to_blanks_and_names() => Gen.Select(Given.Draft, Gen.Int).SampleAsync(
        async (draft, seed) =>
        {
            var composed = Composer.Compose(draft);
            byte[] message = [.. Signed.Sign(composed)[..^composed.Length], .. Respaced(composed, new Random(seed))];
            Assert.Equal(Pass, (await Signed.Verdict(message)).Result);
        },
        iter: Samples.Of(40), threads: 1);

    [Fact]
    public Task It_breaks_with_any_other_octet() => Gen.Select(Plain, Gen.Int[0, int.MaxValue], Gen.Byte[(byte)'!', (byte)'~']).SampleAsync(
        async (draft, place, octet) =>
        {
            var (message, length) = (Signed.Sign(draft), Composer.Compose(draft).Length);
            var at = message.Length - length + place % length;
            // Blanks are another matter, and the case of a field's name.
            if (message[at] <= ' ' || (message[at] | 0x20) == (octet | 0x20)) return;
            message[at] = octet;
            Assert.NotEqual(Pass, (await Signed.Verdict(message)).Result);
        },
        iter: Samples.Of(60), threads: 1);

    [Fact]
    public Task It_breaks_when_a_field_is_added_or_taken_away() => Gen.Select(Plain, Gen.OneOf(Covered), Gen.Bool).SampleAsync(
        async (draft, name, isAdded) =>
        {
            var text = Encoding.Latin1.GetString(Signed.Sign(draft));
            var field = text.IndexOf($"\r\n{name}:", StringComparison.OrdinalIgnoreCase);
            if (field > text.IndexOf("\r\n\r\n", StringComparison.Ordinal)) field = -1;
            if (!isAdded && field < 0) return;
            var changed = isAdded ? text.Insert(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 2, $"{name}: x@other.example\r\n") : text[..(field + 2)] + "X-" + text[(field + 2)..];
            Assert.NotEqual(Pass, (await Signed.Verdict(Encoding.Latin1.GetBytes(changed))).Result);
        },
        iter: Samples.Of(40), threads: 1);

    /// <summary>Names in another case, blanks and folds where blanks are, blanks at the ends of lines, empty lines at the end.</summary>
    private static byte[] Respaced(byte[] message, Random random)
    {
        var text = Encoding.Latin1.GetString(message);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var header = text[..end].Split("\r\n").Select(line =>
        {
            if (line[0] is ' ' or '\t') return line[0] + Blanks(line[1..]);
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var name = string.Concat(line[..colon].Select(c => random.Next(2) == 0 ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c)));
            return $"{name}{(random.Next(2) == 0 ? "" : " ")}:{Blanks(line[(colon + 1)..])}{(random.Next(3) == 0 ? " \t" : "")}";
        });
        var body = text[(end + 4)..].Split("\r\n").Select(line => Runs(line) + (line.Length > 0 && random.Next(3) == 0 ? "  " : ""));
        return Encoding.Latin1.GetBytes(string.Join("\r\n", header) + "\r\n\r\n" + string.Join("\r\n", body) + string.Concat(Enumerable.Repeat("\r\n", random.Next(4))));

        string Blanks(string line) => string.Concat(line.Select(c => c == ' ' ? random.Next(6) switch { 0 => "\t", 1 => "   ", 2 => "\r\n\t ", _ => " " } : $"{c}"));

        // Of a body no line may be folded, nor a blank appear or go.
        string Runs(string line) => string.Concat(line.Select(c => c == ' ' ? random.Next(4) switch { 0 => "\t", 1 => "  ", _ => " " } : $"{c}"));
    }
}
