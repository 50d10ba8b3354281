using MailApi.Api;
using MailApi.Mail;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Reports;
using MailApi.Mail.Routing;

namespace MailApi.Domains;

/// <summary>What to think of the records that stand in the place of one that was issued. Pure.</summary>
internal static class RecordRules
{
    private const int ObservedCharactersMax = 1_000;

    public static Observation Text(IReadOnlyList<string> found, DomainRecord record)
    {
        if (found.Any(text => text.Trim() == record.Value)) return Ok(record, record.Value);
        // Other texts may stand at the same name and mean nothing to us.
        var tag = record.Value[..(record.Value.IndexOf('=', StringComparison.Ordinal) + 1)];
        var alike = found.Where(text => text.TrimStart().StartsWith(tag, StringComparison.OrdinalIgnoreCase)).ToList();
        return alike.Count == 0
            ? Missing(record)
            : Mismatch(record, alike, "Another value stands there. Replace it with the one given here.");
    }

    /// <summary>An alias stands where the token should.</summary>
    public static Observation OwnershipElsewhere(DomainRecord record, string target) => Mismatch(record, [target],
        $"An alias (CNAME) to {target} answers for this name, perhaps a wildcard, and what stands there proves nothing of your domain. Publish the TXT record at {record.Name} itself.");

    public static Observation Mx(IReadOnlyList<MxHost> found, DomainRecord record)
    {
        if (found.Count == 0) return Missing(record);
        var hosts = found.Select(mx => $"{mx.Preference} {mx.Host}").ToList();
        var ours = found.FirstOrDefault(mx => mx.Host.Equals(record.Value.TrimEnd('.'), StringComparison.OrdinalIgnoreCase));
        if (ours is null) return Mismatch(record, hosts, $"Bounces go to {found[0].Host} instead of {record.Value}: nobody would learn of them. Replace the MX record.");
        // Of equal ones, senders take either (RFC 5321 §5.1).
        return found.FirstOrDefault(mx => mx.Preference <= ours.Preference && mx != ours && !mx.Host.Equals(ours.Host, StringComparison.OrdinalIgnoreCase)) is { } other
            ? Mismatch(record, hosts, $"{other.Host} takes bounces before or as well as {record.Value}. Remove the other MX records of this name.")
            : Ok(record, string.Join(", ", hosts));
    }

    public static Observation Alias(IReadOnlyList<string> found, DomainRecord record)
    {
        if (found.Count == 0) return Missing(record);
        return found[0].Equals(record.Value.TrimEnd('.'), StringComparison.OrdinalIgnoreCase)
            ? Ok(record, found[0])
            : Mismatch(record, found, $"The name points to {found[0]} instead of {record.Value}. Change the CNAME.");
    }

    /// <param name="found">All TXT records of the name.</param>
    /// <param name="record">The record issued.</param>
    /// <param name="include">What the record must include, so that the service's servers may send.</param>
    public static Observation Spf(IReadOnlyList<string> found, DomainRecord record, string include)
    {
        var records = found.Where(SpfRecord.IsSpf).ToList();
        if (records.Count == 0) return Missing(record);
        if (!SpfRecord.TryParse(records[0], out var parsed, out var error))
            return Mismatch(record, records, $"Receivers cannot read this SPF record: {error}. Replace it.");
        var merge = parsed.Including(include);
        var proposed = merge is SpfMerge.Merged merged ? merged.Text : records[0];
        if (records.Count > 1)
            return Mismatch(record, records, $"There are {records.Count} SPF records, so receivers use none (RFC 7208 §4.5). Keep this one and move what else the others allow into it.", proposed);
        return merge switch
        {
            SpfMerge.Unchanged => Ok(record, records[0]) with { Proposed = records[0] },
            SpfMerge.Refused refused => Mismatch(record, records, refused.Reason),
            _ => Mismatch(record, records, $"Our servers are not allowed yet: add include:{include}. The value given here keeps everything that is there.", proposed),
        };
    }

    public static Observation Dkim(IReadOnlyList<string> found, DomainRecord record)
    {
        var keys = found.Select(KeyOf).OfType<string>().ToList();
        var wanted = KeyOf(record.Value)!;
        if (record.Key == KeyState.Revoked)
            return keys.All(key => key.Length == 0) ? Ok(record, found.Count == 0 ? null : found[0]) : Mismatch(record, found, "The key is revoked and still published. Replace the record, or remove it.");
        if (keys.Count == 0) return found.Count == 0 ? Missing(record) : Mismatch(record, found, "This is no DKIM key record. Replace it.");
        if (keys.Count > 1) return Mismatch(record, found, "Several keys stand at this name, and receivers may take the wrong one (RFC 6376 §3.6.2.2). Leave only the one given here.");
        if (keys[0] == wanted) return SigningKey.WhyUnfit(found[0], record.Value) is { } unfit ? Mismatch(record, found, $"It is the key, and receivers cannot use it: {unfit}. Publish the value given here.") : Ok(record, found[0]);
        return Mismatch(record, found, keys[0].Length > 0 && wanted.StartsWith(keys[0], StringComparison.Ordinal)
            ? $"The key was cut after {keys[0].Length} characters. Enter it in several strings of at most 255 characters, as the zone-file line shows."
            : keys[0].Length == 0 ? "The record says that the key is revoked. Replace it." : "This is another key: no signature would verify. Replace it.");
    }

    /// <param name="found">All TXT records of the name.</param>
    /// <param name="record">The record issued.</param>
    /// <param name="mailbox">Where reports are to go; null where this installation takes none.</param>
    public static Observation Dmarc(IReadOnlyList<string> found, DomainRecord record, string? mailbox)
    {
        var records = found.Where(text => DmarcRecord.TryParse(text, out _)).ToList();
        if (records.Count == 0) return Missing(record);
        if (records.Count > 1) return Mismatch(record, records, "There are several DMARC records, so receivers use none (RFC 9989 §4.10). Leave only one.", DmarcRecord.Proposed(records[0], mailbox));
        _ = DmarcRecord.TryParse(records[0], out var parsed);
        var proposed = DmarcRecord.Proposed(records[0], mailbox);
        if (parsed!.For(isSubdomain: false, exists: true) is not { } policy)
            return Mismatch(record, records, $"The record {string.Join(", and ", parsed.Problems)}: receivers ignore it.", proposed);
        var note = proposed == records[0] ? PathOf(policy) : $"To get this domain's reports here too, publish the value given; it keeps everything that is there. {PathOf(policy)}";
        return Ok(record, records[0]) with { Proposed = proposed, Note = note.Trim() };
    }

    /// <param name="found">All TXT records of the name.</param>
    /// <param name="record">The record issued.</param>
    /// <param name="addresses">Where reports are to go; not empty.</param>
    public static Observation TlsRpt(IReadOnlyList<string> found, DomainRecord record, IReadOnlyList<string> addresses)
    {
        var records = found.Where(TlsReportRecord.IsOne).ToList();
        if (records.Count == 0) return Missing(record);
        var proposed = TlsReportRecord.Proposed(records[0], addresses);
        if (records.Count > 1) return Mismatch(record, records, "There are several TLSRPT records, so senders use none (RFC 8460 §3). Leave only one.", proposed);
        if (proposed == records[0]) return Ok(record, records[0]) with { Proposed = proposed };
        return TlsReportRecord.Addresses(records[0]).Intersect(addresses, StringComparer.OrdinalIgnoreCase).Any()
            ? Ok(record, records[0]) with { Proposed = proposed, Note = "Reports come here. The value given names a second way, for when the first fails." }
            : Mismatch(record, records, "Reports do not come here. The value given adds that and keeps everything that is there.", proposed);
    }

    /// <summary>The domain has no record of its own, but one above it applies.</summary>
    public static Observation DmarcAbove(DomainRecord record, PublishedPolicy above, string? mailbox)
    {
        var policy = above.Record.For(isSubdomain: true, exists: true);
        var kept = $"v=DMARC1; p={(policy ?? DmarcPolicy.None).ToText()}{(above.Record.StrictDkim ? "; adkim=s" : "")}{(above.Record.StrictSpf ? "; aspf=s" : "")}";
        return Ok(record, $"_dmarc.{above.Domain}: {above.Record.Text}") with
        {
            // Whoever publishes it all the same must not lift the policy that applies.
            Proposed = DmarcRecord.Proposed(kept, mailbox),
            Note = $"The policy of {above.Domain} applies to this domain too ({policy?.ToText() ?? "none that can be read"}); a record of its own is needed only for another policy or for reports.",
        };
    }

    private static string PathOf(DmarcPolicy policy) => policy switch
    {
        DmarcPolicy.None => "p=none only watches. When two weeks of reports show no mail of yours failing, go on to p=quarantine, and after two more to p=reject.",
        DmarcPolicy.Quarantine => "Mail that fails lands in spam. When the reports stay clean for two weeks, go on to p=reject.",
        _ => "",
    };

    /// <summary>The value of <c>p=</c> without blanks; null where there is none.</summary>
    private static string? KeyOf(string text) => text.Split(';').Select(tag => string.Concat(tag.Where(c => !char.IsWhiteSpace(c))))
        .FirstOrDefault(tag => tag.StartsWith("p=", StringComparison.Ordinal))?[2..];

    private static Observation Ok(DomainRecord record, string? observed) => Seen(record, RecordState.Ok, observed);

    private static Observation Missing(DomainRecord record) =>
        Seen(record, RecordState.Missing, null) with { Note = $"There is no {record.Type} record at {record.Name}. Add it; a change may take an hour to be seen." };

    private static Observation Mismatch(DomainRecord record, IReadOnlyList<string> found, string note, string? proposed = null) =>
        Seen(record, RecordState.Mismatch, string.Join(" | ", found)) with { Note = note, Proposed = proposed };

    private static Observation Seen(DomainRecord record, RecordState state, string? observed) => new()
    {
        Type = record.Type,
        Name = record.Name,
        State = state,
        Observed = observed is { Length: > ObservedCharactersMax } ? observed.Truncate(ObservedCharactersMax) + "…" : observed,
    };
}
