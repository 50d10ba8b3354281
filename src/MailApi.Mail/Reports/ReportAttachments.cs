using MailApi.Mail.Preflight;
using MimeKit;

namespace MailApi.Mail.Reports;

/// <summary>What a mail or a body turned out to be.</summary>
public abstract record ReportFinding
{
    public sealed record Dmarc(DmarcReport Report) : ReportFinding;

    public sealed record Tls(TlsReport Report) : ReportFinding;

    /// <param name="Reason">A sentence.</param>
    public sealed record None(string Reason) : ReportFinding;
}

/// <summary>
/// Finds the report in what was received. Labels (<c>application/gzip, application/zip, application/tlsrpt+gzip, application/tlsrpt+json, text/xml, application/octet-stream</c>
/// and a file name) are wrong so often that the octets alone decide.
/// </summary>
public static class ReportAttachments
{
    /// <summary>Of a mail that are looked into; a report comes with one, and signatures and logos beside it.</summary>
    private const int PartsMax = 10;

    /// <summary>A mail as it was received: the report is an attachment, the body itself, or one of these in a mail that was forwarded.</summary>
    public static ReportFinding InMail(ReadOnlyMemory<byte> message)
    {
        if (message.Length > ReportLimits.MessageOctetsMax) return new ReportFinding.None($"The mail is larger than {ReportLimits.MessageOctetsMax / 1024 / 1024} MiB.");
        if (MimeBounds.Error(message.ToArray()) is { } error) return new ReportFinding.None(error);
        using var stream = Expansion.Over(message);
        try
        {
            using var mail = new MimeParser(MimeBounds.BoundedOptions(), stream, MimeFormat.Entity, persistent: true).ParseMessage(CancellationToken.None);
            return In(mail);
        }
        catch (FormatException)
        {
            return new ReportFinding.None("It is no mail.");
        }
    }

    /// <summary>A file, or the body of an HTTP request: XML or JSON, bare or in gzip or zip.</summary>
    public static ReportFinding InOctets(ReadOnlyMemory<byte> octets) => InOctets(octets, new ExpansionBudget());

    /// <summary>What somebody hands in without saying what it is: a file, or else a mail.</summary>
    public static ReportFinding InEither(ReadOnlyMemory<byte> octets) => Packing.KindOf(octets.Span) == OctetKind.Other && BeginsWithField(octets.Span) ? InMail(octets) : InOctets(octets);

    private static ReportFinding InOctets(ReadOnlyMemory<byte> octets, ExpansionBudget budget)
    {
        using var opened = Packing.Open(octets, budget, out var kind, out var reason);
        if (opened is null) return No(reason);
        if (kind == OctetKind.Xml) return DmarcReportReader.TryRead(opened, out var dmarc, out reason) ? new ReportFinding.Dmarc(dmarc) : No(reason);
        // One octet beyond the bound is enough for it to be refused.
        var json = opened.ToArray(ReportLimits.JsonOctetsMax + 1);
        if (opened.Error is { } error) return No(error);
        return TlsReport.TryRead(json, out var tls, out reason) ? new ReportFinding.Tls(tls) : No(reason);
    }

    private static ReportFinding In(MimeMessage mail)
    {
        ReportFinding.None? refused = null;
        var budget = new ExpansionBudget();
        var looked = 0;
        foreach (var part in new MimeIterator(mail).AsParts())
        {
            if (++looked > PartsMax || budget.IsSpent) break;
            using var octets = new MemoryStream();
            part.Content!.DecodeTo(octets, CancellationToken.None);
            var content = octets.GetBuffer().AsMemory(0, (int)octets.Length);
            // What people read is none, and no reason to say that what is beside it is none.
            if (Packing.KindOf(content.Span) == OctetKind.Other || IsHtml(part)) continue;
            switch (InOctets(content, budget))
            {
                case ReportFinding.None none: refused ??= none; break;
                case var found: return found;
            }
        }
        return refused ?? new ReportFinding.None("Nothing in the mail is a report: XML or JSON, bare or in gzip or zip.");
    }

    /// <summary>RFC 5322 §3.6.8: printable characters, and a colon.</summary>
    private static bool BeginsWithField(ReadOnlySpan<byte> octets) => octets.IndexOfAnyExceptInRange((byte)'!', (byte)'~') is var end && octets[..(end < 0 ? octets.Length : end)].IndexOf((byte)':') > 0;

    private static IEnumerable<MimePart> AsParts(this MimeIterator iterator)
    {
        while (iterator.MoveNext())
            if (iterator.Current is MimePart { Content: not null } part) yield return part;
    }

    private static bool IsHtml(MimePart part) => part.ContentType.IsMimeType("text", "html");

    private static ReportFinding.None No(string? reason) => new($"It cannot be read: {reason}.");
}
