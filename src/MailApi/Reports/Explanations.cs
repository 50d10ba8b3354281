using System.Globalization;
using MailApi.Mail.Reports;

namespace MailApi.Reports;

/// <summary>What the numbers mean, in sentences with a cure. Pure.</summary>
internal static class Explanations
{
    private static readonly string[] Forwarding = ["forwarded", "mailing_list", "trusted_forwarder"];

    /// <param name="domain">The sending domain.</param>
    /// <param name="policy">Its DMARC policy as it was seen last; null for none.</param>
    /// <param name="totals">Of all sources.</param>
    /// <param name="oursFail">Messages that this service sent and that failed.</param>
    /// <param name="takesMail">Reports come to this installation by mail.</param>
    public static string Of(string domain, string? policy, ReportTotals totals, long oursFail, bool takesMail)
    {
        if (totals.Messages == 0)
        {
            return takesMail
                ? $"No receiver has reported mail as {domain} for these days. Reports come a day after the mail, to the address in rua= of the record _dmarc.{domain}; GET /domains/{{id}} shows whether it stands there."
                : $"No receiver has reported mail as {domain} for these days, and this installation takes no mail that they could come by. Have reports sent to a mailbox of yours (rua= of the record _dmarc.{domain}) and post them to this route.";
        }
        var share = $"{Number(totals.DmarcPass)} of {Number(totals.Messages)} messages as {domain} passed DMARC.";
        if (oursFail > 0) return $"{share} {Number(oursFail)} of those that failed came from this service: mend that first, the source's explanation says how.";
        if (totals.DmarcFail == 0) return policy is "reject" ? $"{share} Nothing is to be done." : $"{share} When it stays so for two weeks, {NextPolicy(policy)}.";
        return policy is "quarantine" or "reject"
            ? $"{share} What failed did not come from this service, and the policy is {policy}: look through the sources for one that is yours, and let the rest fail."
            : $"{share} What failed did not come from this service. Have every source that is yours sign as {domain}; when only strangers' mail fails for two weeks, {NextPolicy(policy)}.";
    }

    /// <param name="ours">This service sends from it.</param>
    /// <param name="sums">All its mail.</param>
    /// <param name="details">What its mail proved, the most frequent first.</param>
    public static string Of(bool ours, SourceSums sums, IReadOnlyList<SourceDetail> details)
    {
        if (sums.Source.Length == 0) return "Reports named more addresses than are kept; this is their sum.";
        var (totals, failed) = (sums.Totals, details.Where(detail => !detail.Passes).ToList());
        if (totals.DmarcFail == 0) return Passed(ours, totals);
        var share = totals.DmarcPass == 0 ? totals.Messages == 1 ? "The message failed DMARC." : $"All {Number(totals.Messages)} messages failed DMARC." : $"{Number(totals.DmarcFail)} of {Number(totals.Messages)} messages failed DMARC.";
        if (failed.Count == 0) return share;
        return $"{share} {Why(ours, failed)}";
    }

    private static string Passed(bool ours, ReportTotals totals) => (totals.DkimAligned == totals.Messages, totals.SpfAligned == totals.Messages) switch
    {
        (true, true) => ours ? "This service sent it, and all of it passed by DKIM and by SPF." : "All of it passed by DKIM and by SPF: a server that may send as you.",
        (true, false) => ours
            ? "This service sent it; all of it passed by DKIM, and SPF did not hold everywhere: compare the return path's SPF record with the addresses in GET /domains/{id}/health."
            : "All of it passed by your DKIM signature without SPF: most likely a forwarder, which hands your signed mail on. Nothing is to be done.",
        (false, true) => "All of it passed by SPF, but not everything bears a good signature of yours: forwarded, it fails. Have this server sign with DKIM.",
        _ => "All of it passed, some by DKIM alone and some by SPF alone. Have this server do both: then neither forwarding nor a look-up that fails costs mail.",
    };

    private static string Why(bool ours, List<SourceDetail> failed)
    {
        var from = failed.Select(detail => detail.HeaderFrom).FirstOrDefault(name => name.Length > 0) ?? "your domain";
        var forwarded = failed.SelectMany(detail => detail.Overrides).Distinct().Intersect(Forwarding).ToList();
        if (forwarded.Count > 0 && !ours) return $"The receiver puts it down to forwarding ({string.Join(", ", forwarded)}) and let it pass: forwarders break SPF, and mailing lists signatures too. Nothing is to be done.";
        if (OwnSignature(failed, from) is { } signature) return Broken(signature, ours);
        if (ours) return $"It came from this service without a signature of {from}. A domain signs once the record of its key is seen: GET /domains/{{id}} shows the records, POST /domains/{{id}}/verify looks again.";
        if (Stranger(failed) is { } other)
        {
            return $"It proves to be from {other}, which is not {from}. If you use that service, have it sign as {from} (it calls that domain authentication or custom DKIM) and use a return path in your domain. "
                + "If you do not know it, somebody else uses your name: p=quarantine or p=reject stops that.";
        }
        if (failed.Exists(detail => detail.SpfResult is ReportedResult.PermError || detail.Dkim.Any(result => result.Result == ReportedResult.PermError)))
            return $"The receiver could not use a record: an SPF record with more than ten look-ups, or a key that was cut. GET /domains/{{id}}/health shows what is wrong with {from}.";
        return $"Nothing in it proves that it is from you. If the server is yours, have it sign as {from} and add it to the SPF record of its return path. If not, it is a forgery: p=quarantine or p=reject stops it.";
    }

    /// <summary>A signature as the domain, or one above or below it, that was not good.</summary>
    private static ReportedDkim? OwnSignature(List<SourceDetail> failed, string from) => failed.SelectMany(detail => detail.Dkim)
        .FirstOrDefault(result => result.Result is not (ReportedResult.Pass or ReportedResult.None) && result.Domain.Length > 0
            && (result.Domain == from || from.EndsWith("." + result.Domain, StringComparison.Ordinal) || result.Domain.EndsWith("." + from, StringComparison.Ordinal)));

    private static string Broken(ReportedDkim signature, bool ours)
    {
        var (key, record) = signature.Selector.Length > 0
            ? ($"key {signature.Selector}", $"{signature.Selector}._domainkey.{signature.Domain}")
            : ("key", $"…._domainkey.{signature.Domain}");
        return signature.Result switch
        {
            ReportedResult.TempError => $"The receiver could not look up the {key} ({record}): name servers that are slow or answer not everyone. Signatures are good again once they do.",
            ReportedResult.PermError or ReportedResult.Neutral or ReportedResult.Policy =>
                $"The receiver could not use the {key}: look whether the record {record} stands there whole{(ours ? "; POST /domains/{id}/verify does" : "")}.",
            _ => $"It is signed with the {key} of {signature.Domain}, and the signature does not fit: either the mail was changed on its way (a footer, a virus scanner, a mailing list), or the record {record} "
                + $"holds another key{(ours ? "; POST /domains/{id}/verify says which" : "")}.",
        };
    }

    /// <summary>The domain that the mail proved to be from, by a signature or SPF that is not aligned.</summary>
    private static string? Stranger(List<SourceDetail> failed) =>
        failed.SelectMany(detail => detail.Dkim).FirstOrDefault(result => result is { Result: ReportedResult.Pass, Domain.Length: > 0 })?.Domain
        ?? failed.Find(detail => detail is { SpfResult: ReportedResult.Pass, SpfDomain.Length: > 0 })?.SpfDomain;

    private static string NextPolicy(string? policy) => policy switch
    {
        "none" => "go on to p=quarantine",
        "quarantine" => "go on to p=reject",
        "reject" => "nothing is to be done",
        _ => "publish a DMARC record with p=quarantine",
    };

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
