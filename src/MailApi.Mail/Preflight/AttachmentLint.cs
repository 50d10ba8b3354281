using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using MimeKit;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>Files as receivers and readers' programs judge them.</summary>
internal static class AttachmentLint
{
    private const int TotalBytesPreferred = 10 * 1024 * 1024;
    private const int NameCharsMax = 120;
    private const int EntriesMax = 1_000;
    private static readonly SearchValues<char> BadNameChars = SearchValues.Create("<>:\"/\\|?*");

    public static Check AttachmentTypes(RenderedMessage message)
    {
        const string cure = "Send a PDF, or a link to the file on your own site.";
        var names = message.Attachments.Select(NameOf).ToList();
        if (names.Where(FileTypes.IsBlocked).ToList() is { Count: > 0 } blocked)
            return Fail("attachmentTypes", Attachments, $"{Shown.List(blocked)} is of a kind that Gmail or Outlook refuses as dangerous; the message would come back.",
                cure);
        if (names.Where(FileTypes.HoldsMacros).ToList() is { Count: > 0 } macros)
            return Warn("attachmentTypes", Attachments, $"{Shown.List(macros)} may hold macros; many companies refuse such documents.", cure);
        return names.Count == 0
            ? Pass("attachmentTypes", Attachments, "There are no attachments.")
            : Pass("attachmentTypes", Attachments, $"No attachment is of a kind that is refused ({Shown.List(names)}).");
    }

    public static Check AttachmentNames(RenderedMessage message)
    {
        const string cure = "Use short plain names such as invoice-1027.pdf.";
        foreach (var name in message.Attachments.Where(part => part.IsAttachment).Select(NameOf))
        {
            if (name.Length == 0) return Warn("attachmentNames", Attachments, "An attachment has no name, so that readers cannot tell what opens it.", cure);
            if (name.EnumerateRunes().Any(rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.Control))
                return Fail("attachmentNames", Attachments, $"The file name '{Shown.Text(name)}' holds an invisible character, as names do that hide what a file is.",
                    cure);
            if (FileTypes.HasDoubleExtension(name))
                return Fail("attachmentNames", Attachments, $"The file name '{Shown.Text(name)}' has two endings, as names do that hide what a file is.", cure);
            if (name.AsSpan().IndexOfAny(BadNameChars) >= 0)
                return Warn("attachmentNames", Attachments, $"The file name '{Shown.Text(name)}' holds a character that Windows does not allow.", cure);
            if (name.Length > NameCharsMax) return Warn("attachmentNames", Attachments, $"A file name is {name.Length} characters long.", cure);
        }
        return Pass("attachmentNames", Attachments, "The file names are plain.");
    }

    public static Check AttachmentContent(RenderedMessage message)
    {
        foreach (var part in message.Attachments)
        {
            var start = Start(part);
            if (start.Length == 0 && part.IsAttachment)
                return Warn("attachmentContent", Attachments, $"The attachment '{Shown.Text(NameOf(part))}' is empty.", "Attach the file itself.");
            if (start.Length > 0 && FileTypes.Contradiction(NameOf(part), part.ContentType.MimeType.ToLowerInvariant(), start) is { } truth)
                return Fail("attachmentContent", Attachments, $"The attachment '{Shown.Text(NameOf(part))}' is {truth}; filters take a wrong name for an attack.",
                    "Check the file, its name and its content type.");
        }
        return Pass("attachmentContent", Attachments, message.Attachments.Count == 0 ? "There are no attachments." : "The attachments are what their names say.");
    }

    public static Check AttachmentArchives(RenderedMessage message)
    {
        foreach (var part in message.Attachments.Where(part => FileTypes.ExtensionOf(NameOf(part)) == "zip" || part.ContentType.IsMimeType("application", "zip")))
        {
            if (ArchiveError(part) is { } error)
                return Fail("attachmentArchives", Attachments, $"The archive '{Shown.Text(NameOf(part))}' {error}.",
                    "Send the files as they are, or a link to them.");
        }
        return Pass("attachmentArchives", Attachments, "No archive hides what is in it.");
    }

    public static Check AttachmentSize(RenderedMessage message)
    {
        var bytes = message.Attachments.Sum(SizeOf);
        return bytes > TotalBytesPreferred
            ? Warn("attachmentSize", Attachments, $"The attachments take {Sizes.Text(bytes)}; small mailboxes and company servers refuse so much.",
                "Send a link instead.")
            : Pass("attachmentSize", Attachments, message.Attachments.Count == 0 ? "There are no attachments." : $"The attachments take {Sizes.Text(bytes)}.");
    }

    private static string NameOf(MimePart part) => part.FileName ?? "";

    private static byte[] Start(MimePart part)
    {
        if (part.Content is null) return [];
        using var content = part.Content.Open();
        var start = new byte[16];
        return start[..content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
    }

    /// <summary>Of base64, which files are sent as, four octets hold three.</summary>
    private static long SizeOf(MimePart part) =>
        part.Content?.Stream is not { } octets ? 0 : part.ContentTransferEncoding == ContentEncoding.Base64 ? octets.Length / 4 * 3 : octets.Length;

    private static string? ArchiveError(MimePart part)
    {
        if (part.Content is null) return null;
        using var octets = new MemoryStream();
        part.Content.DecodeTo(octets);
        octets.Position = 0;
        try
        {
            using var archive = new ZipArchive(octets, ZipArchiveMode.Read, leaveOpen: true);
            var entries = archive.Entries.Take(EntriesMax).ToList();
            if (entries.Any(entry => entry.IsEncrypted)) return "is encrypted, so that no scanner can look into it; Gmail refuses many of those";
            return entries.FirstOrDefault(entry => FileTypes.IsBlocked(entry.Name)) is { } blocked
                ? $"holds '{Shown.Text(blocked.Name)}', of a kind that Gmail refuses also inside archives"
                : null;
        }
        catch (InvalidDataException)
        {
            return "cannot be read";
        }
    }
}
