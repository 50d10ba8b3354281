namespace MailApi.Mail;

/// <summary>Cuts what others wrote.</summary>
public static class Truncation
{
    /// <summary>At most so many characters. Never ends between the halves of a surrogate pair: half a character cannot be stored.</summary>
    public static string Truncate(this string text, int charsMax) => text.Length <= charsMax ? text : text.AsSpan().Truncate(charsMax).ToString();

    /// <inheritdoc cref="Truncate(string, int)"/>
    public static ReadOnlySpan<char> Truncate(this ReadOnlySpan<char> text, int charsMax) =>
        text.Length <= charsMax ? text : text[..(charsMax > 0 && char.IsHighSurrogate(text[charsMax - 1]) ? charsMax - 1 : charsMax)];
}
