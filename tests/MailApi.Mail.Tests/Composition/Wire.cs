using System.Text;
using MimeKit;
using Xunit;

namespace MailApi.Mail.Tests.Composition;

/// <summary>What a composed message must be as octets, and how a reader takes it.</summary>
internal static class Wire
{
    /// <summary>Only CRLF line ends, no line over 998 octets (78 in a header where words allow it), 7-bit throughout, no NUL.</summary>
    public static void AssertClean(byte[] message, bool mayHold8Bit = false)
    {
        var text = Encoding.Latin1.GetString(message);
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        var lines = text.Split("\r\n");
        foreach (var line in lines)
        {
            Assert.False(line.AsSpan().ContainsAny("\r\n\0"), $"A stray CR, LF or NUL in: {line}");
            Assert.True(line.Length <= 998, $"A line of {line.Length} octets.");
            if (!mayHold8Bit) Assert.True(Ascii.IsValid(line), $"An 8-bit octet in: {line}");
        }
        foreach (var line in lines.Take(Array.IndexOf(lines, "")))
        {
            Assert.True(line.Length <= 78 || !line.Trim(' ').AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 2).Contains(' '), $"A header line not folded: {line}");
        }
    }

    public static MimeMessage Read(byte[] message) => MimeMessage.Load(new MemoryStream(message));

    /// <summary>The fields of the header with a name, as written.</summary>
    public static string[] Fields(byte[] message, string name)
    {
        var text = Encoding.UTF8.GetString(message);
        var header = text[..text.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        return [.. header.Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal).Split("\r\n")
            .Where(field => field.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))];
    }

    /// <summary>The decoded text of the one part of that subtype that is no attachment, or null.</summary>
    public static string? Content(MimeMessage message, string subtype) =>
        message.BodyParts.OfType<MimePart>().SingleOrDefault(part => part.ContentDisposition is null && part.ContentType.IsMimeType("text", subtype)) is { } part
            ? Encoding.UTF8.GetString(Decoded(part)) : null;

    public static byte[] Decoded(MimeEntity part)
    {
        var content = new MemoryStream();
        ((MimePart)part).Content!.DecodeTo(content, TestContext.Current.CancellationToken);
        return content.ToArray();
    }

    public static string WithCrLf(string text)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace("\n", "\r\n", StringComparison.Ordinal);
        return lines.EndsWith("\r\n", StringComparison.Ordinal) ? lines : lines + "\r\n";
    }
}
