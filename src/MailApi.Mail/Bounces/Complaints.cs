namespace MailApi.Mail.Bounces;

/// <summary>Feedback reports (RFC 5965, RFC 6591), and Microsoft's, which encloses the message and says nothing more.</summary>
internal static class Complaints
{
    private const int TypeCharsMax = 50;

    public static Returned.Complaint? Read(IReadOnlyList<Part> parts, Marks marks)
    {
        var report = parts.FirstOrDefault(part => part.MediaType == "message/feedback-report");
        if (report is not null) return FromFields(FieldBlock.ReadAll(report.Text()), report, marks);
        if (parts[0].MediaType == "multipart/report" && Is(parts[0].Parameter("report-type"), "feedback-report"))
        {
            // Labelled as something else, or not at all.
            foreach (var part in parts.Where(part => part.MediaType is "text/plain" or "application/octet-stream" && !IsInEnclosed(part)))
                if (FieldBlock.ReadAll(part.Text()) is { } fields && fields.Has("Feedback-Type")) return FromFields(fields, part, marks);
        }
        return OfMicrosoft(parts, marks);
    }

    private static Returned.Complaint FromFields(FieldBlock fields, Part report, Marks marks)
    {
        marks.SetReport(report);
        marks.AddReturnPath(fields["Original-Mail-From"]);
        marks.SetMessageId(fields["Original-Message-ID"]);
        var type = Token(fields["Feedback-Type"] ?? "").ToLowerInvariant();
        // RFC 5965 §3.1 demands the field; who leaves it out complains as well.
        return new Returned.Complaint(type.Length is 0 or > TypeCharsMax ? "other" : type) { About = marks.About() };
    }

    /// <summary>The type without the comment that may stand before and behind it.</summary>
    private static string Token(string text)
    {
        text = text.TrimStart();
        if (text.StartsWith('(')) text = text[(text.IndexOf(')', StringComparison.Ordinal) + 1)..].TrimStart();
        return new string([.. text.TakeWhile(it => char.IsAsciiLetterOrDigit(it) || it is '-' or '_')]);
    }

    /// <summary>The Junk Mail Reporting Program of Outlook.com.</summary>
    private static Returned.Complaint? OfMicrosoft(IReadOnlyList<Part> parts, Marks marks)
    {
        var outer = parts[0].Fields;
        var isByMicrosoft = Marks.AddressIn(outer["From"] ?? "") is { } from && Is(from, "staff@hotmail.com");
        if (!isByMicrosoft || outer["Subject"]?.StartsWith("complaint about message from", StringComparison.OrdinalIgnoreCase) != true) return null;
        return parts.Any(part => part.IsEnclosedMessage) ? new Returned.Complaint("abuse") { About = marks.About() } : null;
    }

    private static bool IsInEnclosed(Part part) => part.IsEnclosedMessage || (part.Parent is { } parent && IsInEnclosed(parent));

    private static bool Is(string? text, string expected) => string.Equals(text?.Trim(), expected, StringComparison.OrdinalIgnoreCase);
}
