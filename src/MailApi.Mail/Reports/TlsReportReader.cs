using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Reports;

/// <summary>Reads the JSON of a TLS report; members that are missing or of another type than they should be are as if they were not there.</summary>
internal sealed class TlsReportReader
{
    private const int LinesMax = 100;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = ReportLimits.DepthMax, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private static readonly FrozenDictionary<string, TlsResult> Results = Enum.GetValues<TlsResult>().ToFrozenDictionary(result => result.Word(), StringComparer.OrdinalIgnoreCase);

    private int failures;

    public static bool TryRead(ReadOnlyMemory<byte> octets, [NotNullWhen(true)] out TlsReport? report, [NotNullWhen(false)] out string? reason)
    {
        (report, reason) = (null, octets.Length > ReportLimits.JsonOctetsMax ? $"it is larger than {ReportLimits.JsonOctetsMax / 1024 / 1024} MiB" : null);
        if (reason is not null) return false;
        try
        {
            using var json = JsonDocument.Parse(AsUtf8(octets), Options);
            return new TlsReportReader().TryRead(json.RootElement, out report, out reason);
        }
        catch (JsonException e)
        {
            reason = $"it is no JSON ({ReportText.Clean(e.Message)})";
        }
        catch (InvalidOperationException)
        {
            // The one thing that a document which was parsed still refuses: half a surrogate pair, written as an escape.
            reason = "a text in it is no Unicode";
        }
        return false;
    }

    private bool TryRead(JsonElement root, [NotNullWhen(true)] out TlsReport? report, [NotNullWhen(false)] out string? reason)
    {
        report = null;
        if (root.ValueKind != JsonValueKind.Object || Member(root, "policies") is not { ValueKind: JsonValueKind.Array } policies)
        {
            reason = "it has no policies, which a TLS report has";
            return false;
        }
        var range = Member(root, "date-range");
        var (begin, end) = (Instant(range, "start-datetime"), Instant(range, "end-datetime"));
        var (organization, contact, id) = (Text(root, "organization-name"), Text(root, "contact-info"), Text(root, "report-id"));
        var read = policies.EnumerateArray().Take(ReportLimits.PoliciesMax).Select(Policy).OfType<TlsReportPolicy>().ToList();
        reason = policies.GetArrayLength() > ReportLimits.PoliciesMax ? $"it has more than {ReportLimits.PoliciesMax} policies"
            : failures > ReportLimits.FailuresMax ? $"it has more than {ReportLimits.FailuresMax} failures"
            : id is null ? "it has no report-id"
            : (organization ?? contact) is null ? "it does not say who reports (organization-name)"
            : (begin ?? end) is null ? "it does not say for which time it is (date-range)"
            : read.Count == 0 ? "none of its policies names a domain"
            : null;
        if (reason is not null) return false;
        var (from, to) = ((begin ?? end)!.Value, (end ?? begin)!.Value);
        report = new TlsReport
        {
            Organization = (organization ?? contact)!,
            ContactInfo = contact,
            ReportId = id!,
            Begin = from <= to ? from : to,
            End = from <= to ? to : from,
            Policies = read,
        };
        return true;
    }

    private TlsReportPolicy? Policy(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object || Member(item, "policy") is not { ValueKind: JsonValueKind.Object } policy || Text(policy, "policy-domain") is not { } domain) return null;
        var summary = Member(item, "summary");
        var details = Member(item, "failure-details") is { ValueKind: JsonValueKind.Array } list
            ? list.EnumerateArray().TakeWhile(_ => ++failures <= ReportLimits.FailuresMax).Select(Failure).OfType<TlsReportFailure>().ToList()
            : [];
        return new TlsReportPolicy
        {
            Type = Text(policy, "policy-type")?.ToLowerInvariant() switch { "sts" => TlsPolicyType.Sts, "tlsa" => TlsPolicyType.Tlsa, _ => TlsPolicyType.NoPolicyFound },
            Text = Texts(policy, "policy-string"),
            Domain = ReportText.Domain(domain),
            // The drafts' word for it still comes.
            MxHosts = Texts(policy, "mx-host") is { Count: > 0 } hosts ? hosts : Texts(policy, "mx-host-pattern"),
            Successes = Count(summary, "total-successful-session-count") ?? 0,
            Failures = Math.Max(Count(summary, "total-failure-session-count") ?? 0, details.Sum(detail => detail.Sessions)),
            Details = details,
        };
    }

    private static TlsReportFailure? Failure(JsonElement item) => item.ValueKind != JsonValueKind.Object ? null : new TlsReportFailure
    {
        Result = Text(item, "result-type") is { } word && Results.TryGetValue(word, out var result) && result != TlsResult.Success ? result : TlsResult.ValidationFailure,
        SendingIp = Text(item, "sending-mta-ip"),
        ReceivingMx = Text(item, "receiving-mx-hostname") is { } mx ? ReportText.Domain(mx) : null,
        ReceivingIp = Text(item, "receiving-ip"),
        Sessions = Count(item, "failed-session-count") ?? 1,
        AdditionalInformation = Text(item, "additional-information") ?? Text(item, "additional-info-uri"),
        ReasonCode = Text(item, "failure-reason-code") ?? Text(item, "failure-error-code"),
    };

    /// <summary>Without the mark that some put first, and with U+FFFD for what is no UTF-8.</summary>
    private static ReadOnlyMemory<byte> AsUtf8(ReadOnlyMemory<byte> octets)
    {
        if (octets.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) octets = octets[3..];
        return Utf8.IsValid(octets.Span) ? octets : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(octets.Span));
    }

    private static JsonElement? Member(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } parent && parent.TryGetProperty(name, out var member) ? member : null;

    private static string? Text(JsonElement? element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } member && ReportText.Clean(member.GetString()!) is { Length: > 0 } text ? text : null;

    /// <summary>A list of texts, or the text that stands for a list of one.</summary>
    private static IReadOnlyList<string> Texts(JsonElement element, string name) => Member(element, name) switch
    {
        { ValueKind: JsonValueKind.String } text => [ReportText.Clean(text.GetString()!)],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Take(LinesMax).Select(item => ReportText.Clean(item.GetString()!))],
        _ => [],
    };

    private static DateTimeOffset? Instant(JsonElement? element, string name) => Member(element, name) switch
    {
        { ValueKind: JsonValueKind.String } text => ReportText.Instant(text.GetString()!),
        { ValueKind: JsonValueKind.Number } number => ReportText.Instant(number.GetRawText()),
        _ => null,
    };

    /// <summary>A number, or one in quotes; null for anything else and for none.</summary>
    private static long? Count(JsonElement? element, string name) => Member(element, name) switch
    {
        { ValueKind: JsonValueKind.String } text => ReportText.Count(text.GetString()!),
        { ValueKind: JsonValueKind.Number } number => number.TryGetInt64(out var count) ? ReportText.Count(count.ToString(CultureInfo.InvariantCulture)) : null,
        _ => null,
    };
}
