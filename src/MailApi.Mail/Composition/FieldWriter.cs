using System.Text;

namespace MailApi.Mail.Composition;

/// <summary>
/// Writes header fields, folded at blanks (RFC 5322 §2.2.3). Without <paramref name="utf8"/> what is not ASCII becomes encoded words
/// (RFC 2047); with it (RFC 6532) only what no line can hold does.
/// </summary>
internal sealed class FieldWriter(bool utf8)
{
    /// <summary>The bound of a line that holds an encoded word (RFC 2047 §2), and within that of any other (78).</summary>
    private const int ColumnMax = 76;
    private const string EncodedStart = "=?utf-8?B?";
    private const string EncodedEnd = "?=";

    /// <summary>A longer run without blanks might, behind the longest field name, not fit a line of 998 octets.</summary>
    private const int WordOctetsMax = 900;

    /// <summary>As many blanks in a row might become a line of blanks alone, which is an end of the header to some.</summary>
    private static readonly string LongGap = new(' ', 8);

    private readonly StringBuilder text = new();
    private int column;
    private bool isAtName;

    /// <summary>A field of words: a subject, a date, whatever a caller sets.</summary>
    /// <exception cref="ArgumentException">The value would break out of its field.</exception>
    public void Text(string name, string value)
    {
        Start(name, value);
        value = value.Trim(' ');
        if (MustEncode(value)) Encoded(value);
        else if (value.Length > 0) Words(value);
        End();
    }

    public void Mailboxes(string name, IReadOnlyList<Mailbox> mailboxes)
    {
        Start(name, "");
        for (var i = 0; i < mailboxes.Count; i++)
        {
            var (display, address) = mailboxes[i];
            var comma = i + 1 < mailboxes.Count ? "," : "";
            if (!string.IsNullOrWhiteSpace(display)) Phrase(name, display);
            Word(display is null ? $"{address}{comma}" : $"<{address}>{comma}");
        }
        End();
    }

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(text.ToString());

    private void Start(string name, string value)
    {
        Refuse(name, value);
        text.Append(name).Append(':');
        column = name.Length + 1;
        isAtName = true;
    }

    private void End() => text.Append("\r\n");

    private void Phrase(string name, string display)
    {
        Refuse(name, display);
        if (MustEncode(display)) Encoded(display);
        else Words(Mailbox.Phrase(display));
    }

    private static void Refuse(string name, string value)
    {
        if (HeaderRules.ValueError(value) is { } error) throw new ArgumentException($"{name}: {error}");
    }

    /// <summary>A text that looks encoded already must be too, or a reader would decode it.</summary>
    private bool MustEncode(string value) =>
        (!utf8 && !Ascii.IsValid(value))
        || value.Contains("=?", StringComparison.Ordinal)
        || value.Contains(LongGap, StringComparison.Ordinal)
        || (value.Length > WordOctetsMax / 3 && value.Split(' ').Any(word => Encoding.UTF8.GetByteCount(word) > WordOctetsMax));

    private void Words(string value)
    {
        foreach (var word in value.Split(' ')) Word(word);
    }

    private void Word(string word)
    {
        // The first word stays beside its name: some readers take a bare "Subject:" line for an empty one. Between two blanks (an empty
        // word) is no place to fold either.
        if (word.Length > 0 && column + 1 + word.Length > ColumnMax && !isAtName) Fold();
        Append(word);
    }

    private void Fold()
    {
        text.Append("\r\n");
        column = 0;
    }

    /// <summary>The whole value as encoded words that each hold whole characters.</summary>
    private void Encoded(string value)
    {
        Span<byte> octets = stackalloc byte[ColumnMax];
        var used = 0;
        var room = Room();
        foreach (var rune in value.EnumerateRunes())
        {
            if (used + rune.Utf8SequenceLength > room)
            {
                if (used > 0) EncodedWord(octets[..used]);
                Fold();
                used = 0;
                room = Room();
            }
            used += rune.EncodeToUtf8(octets[used..]);
        }
        EncodedWord(octets[..used]);
    }

    /// <summary>Octets that an encoded word on this line may hold.</summary>
    private int Room() => Math.Max(0, (ColumnMax - column - 1 - EncodedStart.Length - EncodedEnd.Length) / 4 * 3);

    private void EncodedWord(ReadOnlySpan<byte> octets) => Append(EncodedStart + Convert.ToBase64String(octets) + EncodedEnd);

    private void Append(string word)
    {
        text.Append(' ').Append(word);
        column += 1 + word.Length;
        isAtName = false;
    }
}
