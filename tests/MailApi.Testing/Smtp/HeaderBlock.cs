using System.Text;

namespace MailApi.Testing;

/// <summary>Just enough of RFC 5322 to describe a message without parsing it.</summary>
internal static class HeaderBlock
{
    /// <summary>The unfolded value of the first header of this name, or null.</summary>
    public static string? Value(ReadOnlySpan<byte> message, string name)
    {
        while (!message.IsEmpty)
        {
            var line = Line(message);
            if (line.Length <= 2) return null;
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name))
            {
                var end = line.Length;
                while (end < message.Length && message[end] is (byte)' ' or (byte)'\t') end += Line(message[end..]).Length;
                return Encoding.UTF8.GetString(message[(name.Length + 1)..end]).Replace("\r\n", "", StringComparison.Ordinal).Trim();
            }
            message = message[line.Length..];
        }
        return null;
    }

    /// <summary>Everything behind the first empty line.</summary>
    public static ReadOnlySpan<byte> Body(ReadOnlySpan<byte> message)
    {
        if (message.StartsWith("\r\n"u8)) return message[2..];
        var end = message.IndexOf("\r\n\r\n"u8);
        return end < 0 ? [] : message[(end + 4)..];
    }

    public static bool HasStrayLineEnd(ReadOnlySpan<byte> message)
    {
        while (message.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var at)
        {
            if (message[at] == '\n' || at + 1 == message.Length || message[at + 1] != '\n') return true;
            message = message[(at + 2)..];
        }
        return false;
    }

    private static ReadOnlySpan<byte> Line(ReadOnlySpan<byte> message)
    {
        var end = message.IndexOf("\r\n"u8);
        return end < 0 ? message : message[..(end + 2)];
    }
}
