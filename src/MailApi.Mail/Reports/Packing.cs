using System.IO.Compression;

namespace MailApi.Mail.Reports;

/// <summary>What octets are by their beginning: labels and file names are wrong too often.</summary>
internal enum OctetKind
{
    Other,
    Xml,
    Json,
    Gzip,
    Zip,
}

/// <summary>Takes a report out of what it is packed in: gzip, zip or nothing, once.</summary>
internal static class Packing
{
    private const string Nested = "it is packed twice, and reports are once";

    public static OctetKind KindOf(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])) return OctetKind.Gzip;
        if (start.StartsWith("PK\x03\x04"u8) || start.StartsWith("PK\x05\x06"u8)) return OctetKind.Zip;
        // UTF-16, with its mark.
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) || start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE])) return OctetKind.Xml;
        if (start.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) start = start[3..];
        return start.TrimStart(" \t\r\n"u8) switch
        {
            [(byte)'<', ..] => OctetKind.Xml,
            [(byte)'{', ..] => OctetKind.Json,
            _ => OctetKind.Other,
        };
    }

    /// <summary>The report's own octets, XML or JSON; null with a reason.</summary>
    public static Expansion? Open(ReadOnlyMemory<byte> octets, ExpansionBudget budget, out OctetKind kind, out string? reason)
    {
        reason = null;
        kind = KindOf(octets.Span);
        if (octets.Length > ReportLimits.OctetsMax)
        {
            reason = $"it is larger than {ReportLimits.OctetsMax / 1024 / 1024} MiB";
            return null;
        }
        switch (kind)
        {
            case OctetKind.Xml or OctetKind.Json:
                return new Expansion(Expansion.Over(octets), octets.Length, budget);
            case OctetKind.Gzip:
                return Inner(new GZipStream(Expansion.Over(octets), CompressionMode.Decompress), octets.Length, budget, out kind, out reason);
            case OctetKind.Zip:
                return FromZip(octets, budget, out kind, out reason);
            default:
                reason = octets.IsEmpty ? "it is empty" : "it is neither XML nor JSON, nor either in gzip or zip";
                return null;
        }
    }

    private static Expansion? FromZip(ReadOnlyMemory<byte> octets, ExpansionBudget budget, out OctetKind kind, out string? reason)
    {
        kind = OctetKind.Other;
        if (ZipEntry.Read(octets, out reason) is not { } entries) return null;
        reason = "its archive holds no report";
        foreach (var entry in entries)
        {
            if (entry.Open(out reason) is not { } stream) return null;
            if (Inner(stream, entry.Packed.Length, budget, out kind, out reason) is { } found) return found;
            if (reason == Nested) return null;
        }
        return null;
    }

    private static Expansion? Inner(Stream unpacking, int packed, ExpansionBudget budget, out OctetKind kind, out string? reason)
    {
        var inner = new Expansion(unpacking, packed, budget);
        kind = KindOf(inner.Start);
        reason = inner.Error ?? kind switch
        {
            OctetKind.Gzip or OctetKind.Zip => Nested,
            OctetKind.Other => inner.Start.IsEmpty ? "there is nothing in it" : "what is packed in it is neither XML nor JSON",
            _ => null,
        };
        if (reason is null) return inner;
        inner.Dispose();
        return null;
    }
}
