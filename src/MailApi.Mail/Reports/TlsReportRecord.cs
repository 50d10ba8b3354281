namespace MailApi.Mail.Reports;

/// <summary>The TXT record at <c>_smtp._tls.</c>, which says where TLS reports go (RFC 8460 §3).</summary>
public static class TlsReportRecord
{
    private const string Version = "v=TLSRPTv1";
    private const string Tag = "rua=";

    public static bool IsOne(string text) => text.Trim() is var record && (record == Version || record.StartsWith(Version, StringComparison.Ordinal) && record[Version.Length..].TrimStart() is [';', ..]);

    /// <summary>What stands in <c>rua=</c>.</summary>
    public static IReadOnlyList<string> Addresses(string record) =>
        Parts(record).FirstOrDefault(IsAddresses) is { } rua ? rua[Tag.Length..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [];

    /// <summary>The value to publish so that reports come to these addresses too: everything that stands there is kept.</summary>
    /// <param name="existing">The record that is published; null, or anything that is no such record, for none.</param>
    /// <param name="addresses">URIs, <c>mailto:</c> or <c>https:</c>; a comma, a semicolon and an exclamation mark in them are escaped.</param>
    public static string Proposed(string? existing, IReadOnlyList<string> addresses)
    {
        if (existing is null || !IsOne(existing)) return $"{Version}; {Tag}{string.Join(',', addresses)}";
        var there = Addresses(existing);
        var missing = addresses.Except(there, StringComparer.OrdinalIgnoreCase).ToList();
        if (missing.Count == 0) return existing;
        var parts = Parts(existing);
        var rua = parts.FindIndex(IsAddresses);
        if (rua < 0) parts.Add(Tag + string.Join(',', missing));
        else parts[rua] = Tag + string.Join(',', there.Concat(missing));
        return string.Join("; ", parts);
    }

    private static bool IsAddresses(string part) => part.StartsWith(Tag, StringComparison.OrdinalIgnoreCase);

    private static List<string> Parts(string record) => [.. record.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}
