using System.Text;
using MimeKit;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>The tree of parts (RFC 2045, 2046, 2387).</summary>
internal static class MimeLint
{
    public static Check MimeStructure(RenderedMessage message)
    {
        const string cure = "Let the service build the message from text, html and attachments.";
        if (message.Mime?.Body is not { } body) return Fail("mimeStructure", Mime, message.Error ?? "The message has no body.", cure);
        if (!message.Has("mime-version") && message.Has("content-type"))
            return Fail("mimeStructure", Mime, "There is no MIME-Version, so that the parts may be shown as text.", "Add MIME-Version: 1.0.");
        foreach (var multipart in Multiparts(body))
        {
            if (multipart.Count == 0) return Fail("mimeStructure", Mime, $"A {Shown.Text(multipart.ContentType.MimeType)} has no parts.", cure);
            if (BoundaryError(multipart, message.Raw) is { } boundary) return Fail("mimeStructure", Mime, boundary, cure);
            if (AlternativeError(multipart) is { } alternative) return Warn("mimeStructure", Mime, alternative, cure);
            if (multipart is MultipartRelated related && !related.Any(part => part is TextPart or Multipart))
                return Warn("mimeStructure", Mime, "A multipart/related holds no text that its images belong to.", cure);
        }
        var leaves = message.Mime.BodyParts.Count();
        return Pass("mimeStructure", Mime, leaves == 1 ? "The message has one part." : $"The message has {leaves} parts in good order.");
    }

    public static Check Charset(RenderedMessage message)
    {
        const string cure = "Declare charset=utf-8 and send the text as UTF-8.";
        foreach (var part in Texts(message))
        {
            var name = part.ContentType.Charset;
            if (name is null)
            {
                if (part.Content is null || Ascii.IsValid(Decoded(part))) continue;
                return Fail("charset", Mime, $"A {Shown.Text(part.ContentType.MimeType)} part holds non-ASCII text without saying in which character set.", cure);
            }
            if (!IsKnown(name)) return Fail("charset", Mime, $"The character set '{Shown.Text(name)}' is not known to mail programs.", cure);
            if (name.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && part.Content is not null && !System.Text.Unicode.Utf8.IsValid(Decoded(part)))
                return Fail("charset", Mime, $"A {Shown.Text(part.ContentType.MimeType)} part says UTF-8 but holds other octets; letters will be shown as question marks.",
                    cure);
        }
        return Pass("charset", Mime, "Every text says in which character set it is.");
    }

    public static Check TransferEncoding(RenderedMessage message)
    {
        const string cure = "Send texts as quoted-printable and files as base64.";
        if (message.Mime?.Body is not { } body) return Fail("transferEncoding", Mime, message.Error ?? "The message has no body.", cure);
        if (Multiparts(body).Any(part => part.Headers[HeaderId.ContentTransferEncoding] is { } value && value.Trim().ToLowerInvariant() is not ("7bit" or "8bit" or "binary")))
            return Fail("transferEncoding", Mime, "A multipart is said to be encoded, which RFC 2045 §6.4 forbids; readers will not find its parts.", cure);
        var parts = message.Mime.BodyParts.OfType<MimePart>().ToList();
        if (parts.FirstOrDefault(part => IsUnknownEncoding(part)) is { } unknown)
            return Fail("transferEncoding", Mime, $"'{Shown.Text(unknown.Headers[HeaderId.ContentTransferEncoding] ?? "")}' is no transfer encoding of RFC 2045.",
                cure);
        if (parts.Any(part => part.ContentTransferEncoding == ContentEncoding.Binary))
            return Fail("transferEncoding", Mime, "A part is sent as binary, which hardly any server takes (RFC 3030).", cure);

        var hasEightBit = !Ascii.IsValid(message.Raw.AsSpan(message.HeaderBytes));
        if (!hasEightBit) return Pass("transferEncoding", Mime, "The body is plain ASCII on the wire, as every server can take it.");
        return parts.Any(part => part.ContentTransferEncoding == ContentEncoding.EightBit)
            ? Warn("transferEncoding", Mime, "The body is sent as 8bit: a server without 8BITMIME must re-encode it, which breaks the DKIM signature.", cure)
            : Fail("transferEncoding", Mime, "The body holds non-ASCII octets without saying so.", cure);
    }

    /// <summary>The multiparts of a tree that the bounds keep small.</summary>
    private static IEnumerable<Multipart> Multiparts(MimeEntity body)
    {
        var left = new Stack<MimeEntity>([body]);
        while (left.TryPop(out var entity))
        {
            if (entity is not Multipart multipart) continue;
            yield return multipart;
            foreach (var part in multipart) left.Push(part);
        }
    }

    private static IEnumerable<TextPart> Texts(RenderedMessage message) => message.Mime?.BodyParts.OfType<TextPart>().Where(part => !part.IsAttachment) ?? [];

    private static byte[] Decoded(TextPart part)
    {
        using var octets = new MemoryStream();
        part.Content?.DecodeTo(octets);
        return octets.ToArray();
    }

    private static bool IsKnown(string charset)
    {
        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(charset) is not null || Encoding.GetEncoding(charset) is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool IsUnknownEncoding(MimePart part) =>
        part.Headers[HeaderId.ContentTransferEncoding] is { } value
        && value.Trim().ToLowerInvariant() is not ("7bit" or "8bit" or "binary" or "quoted-printable" or "base64");

    /// <summary>RFC 2046 §5.1.1. The parser forgives a missing boundary; receivers need not.</summary>
    private static string? BoundaryError(Multipart multipart, byte[] raw)
    {
        if (multipart.Boundary is not { Length: > 0 } boundary) return $"A {Shown.Text(multipart.ContentType.MimeType)} names no boundary.";
        if (boundary.Length > 70 || boundary.EndsWith(' ') || !Ascii.IsValid(boundary)) return "A boundary is longer than 70 characters, ends with a blank or is not ASCII.";
        return raw.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"\n--{boundary}--")) < 0
            ? $"A {Shown.Text(multipart.ContentType.MimeType)} is not ended by its boundary: the message looks cut off."
            : null;
    }

    /// <summary>RFC 2046 §5.1.4: the best version comes last.</summary>
    private static string? AlternativeError(Multipart multipart)
    {
        if (multipart is not MultipartAlternative) return null;
        if (multipart.Count == 1) return "A multipart/alternative offers a single version.";
        var plain = multipart.ToList().FindIndex(part => part is TextPart { IsPlain: true });
        var html = multipart.ToList().FindIndex(part => part is TextPart { IsHtml: true } || part is MultipartRelated);
        return plain >= 0 && html >= 0 && plain > html ? "The plain text comes after the HTML: mail programs show the last version, so that nobody sees the HTML." : null;
    }
}
