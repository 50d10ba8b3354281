using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Mail.Preflight;
using MimeKit;

namespace MailApi.Sandbox;

/// <summary>Reads raw messages for people. Pure: whatever the octets are, there is something to show.</summary>
internal static class SandboxReader
{
    /// <summary>What a summary is read from: the header, with room for many recipients.</summary>
    public const int SummaryBytes = 32 << 10;

    /// <summary>Of a message that is not taken apart.</summary>
    private const int HeaderBytesMax = 512 << 10;

    private static readonly ParserOptions Options = MimeBounds.BoundedOptions();

    public static SandboxSummary Summary(SandboxRow row)
    {
        using var mime = Load(row.Octets.Length < row.Size ? WholeLines(row.Octets) : row.Octets);
        return new SandboxSummary
        {
            Id = row.Id,
            Message = row.Message,
            Envelope = row.Envelope,
            Recipient = row.Recipient,
            From = From(mime),
            Subject = mime.Subject ?? "",
            ReceivedAt = row.ReceivedAt,
            Size = row.Size,
        };
    }

    public static SandboxMessage Message(SandboxRow row, IReadOnlyList<SignatureVerdict> dkim)
    {
        // What goes beyond what mail has is not taken apart: its header is shown, and the octets.
        var read = MimeBounds.Error(row.Octets) is null ? row.Octets : Header(row.Octets);
        using var mime = Load(read);
        return new SandboxMessage
        {
            Id = row.Id,
            Message = row.Message,
            Envelope = row.Envelope,
            MailFrom = row.MailFrom,
            Recipient = row.Recipient,
            From = From(mime),
            To = Mailboxes(mime.To),
            Cc = Mailboxes(mime.Cc),
            ReplyTo = Mailboxes(mime.ReplyTo),
            Subject = mime.Subject ?? "",
            Date = mime.Date == default ? null : mime.Date,
            ReceivedAt = row.ReceivedAt,
            Size = row.Size,
            // Of the message itself, since MimeKit gives the fields of its body away.
            Headers = [.. Load(read, stream => HeaderList.Load(Options, stream)).Select(header => new SandboxHeader(header.Field, header.Value))],
            Text = Shown(mime.TextBody),
            Html = Shown(mime.HtmlBody),
            Attachments = [.. mime.BodyParts.Where(part => part is not TextPart || part.IsAttachment).Select(Attachment)],
            Authentication = new SandboxAuthentication(dkim),
            Raw = Encoding.UTF8.GetString(row.Octets),
        };
    }

    /// <summary>As it was written, and not as it travels: with LF, and without the end that every last line has in mail.</summary>
    private static string? Shown(string? text)
    {
        text = text?.Replace("\r\n", "\n", StringComparison.Ordinal);
        return text?.EndsWith('\n') == true ? text[..^1] : text;
    }

    /// <summary>A header that was cut within a field, ended after the last whole line.</summary>
    private static byte[] WholeLines(ReadOnlySpan<byte> cut)
    {
        var end = cut.LastIndexOf("\r\n"u8);
        return end < 0 ? [] : [.. cut[..(end + 2)], .. "\r\n"u8];
    }

    private static byte[] Header(ReadOnlySpan<byte> message)
    {
        var begin = message[..Math.Min(message.Length, HeaderBytesMax)];
        var end = begin.IndexOf("\r\n\r\n"u8);
        return end < 0 ? WholeLines(begin) : [.. begin[..(end + 4)]];
    }

    private static MimeMessage Load(byte[] octets) => Load(octets, stream => MimeMessage.Load(Options, stream));

    private static T Load<T>(byte[] octets, Func<Stream, T> load)
    {
        try
        {
            return load(new MemoryStream(octets));
        }
        catch (FormatException)
        {
            // Nothing in it is a header field: it is all body.
            return load(new MemoryStream([.. "\r\n"u8, .. octets]));
        }
    }

    private static string From(MimeMessage mime) => Mailboxes(mime.From) is [var first, ..] ? first : "";

    private static IReadOnlyList<string> Mailboxes(InternetAddressList list) => [.. list.Mailboxes.Select(Mailbox)];

    private static string Mailbox(MailboxAddress mailbox)
    {
        if (string.IsNullOrEmpty(mailbox.Name)) return mailbox.Address;
        // Ours are all of this form; others are shown as MimeKit does.
        return EmailAddress.TryParse(mailbox.Address, out var address) ? new Mailbox(mailbox.Name, address).ToString() : mailbox.ToString();
    }

    private static SandboxAttachment Attachment(MimeEntity part)
    {
        using var content = new MemoryStream();
        if (part is MimePart leaf) leaf.Content?.DecodeTo(content);
        else if (part is MessagePart { Message: { } message }) message.WriteTo(content);
        var octets = content.GetBuffer().AsSpan(0, (int)content.Length);
        return new SandboxAttachment(
            part.ContentDisposition?.FileName ?? part.ContentType.Name, part.ContentType.MimeType, octets.Length, part.ContentId, Convert.ToHexStringLower(SHA256.HashData(octets)));
    }
}
