namespace MailApi.Mail.Authentication;

/// <summary>Says which DMARC record applies, what it asks for, and what its owner should mend.</summary>
internal sealed class DmarcReasons(Author author, DmarcVerdict dmarc)
{
    private const int ShownMax = 300;

    public IEnumerable<string> Sentences()
    {
        if (dmarc.Walk is not { } walk) yield break;
        foreach (var name in walk.Ambiguous)
            yield return $"DMARC: several DMARC records stand at _dmarc.{name}, and receivers ignore them all. Leave one.";
        if (walk.FailedAt is { } failed)
            yield return $"DMARC: the DNS gave no answer for _dmarc.{failed}. Try again later; if it lasts, ask whoever runs the name servers.";
        if (walk.Policy is { } policy)
        {
            yield return Record(policy);
            if (policy.Record.Problems.Count > 0)
                yield return $"DMARC: the record at _dmarc.{policy.Domain} {string.Join(", ", policy.Record.Problems.Distinct().Take(5))}. Correct that.";
            if (policy.Record.IsTesting) yield return Testing(policy);
        }
        else if (walk.FailedAt is null)
        {
            yield return $"DMARC (none): there is no record at _dmarc.{walk.Domain} or above it. Publish a TXT record there, to begin with v=DMARC1; p=none; rua=mailto:… with an address that reads the reports.";
        }
        if (author.Addresses.Count > 1)
            yield return $"From names {author.Addresses.Count} addresses of {walk.Domain}; some receivers refuse more than one. Name one, and the others in Cc.";
    }

    private string Record(PublishedPolicy policy)
    {
        var text = policy.Record.Text.Length <= ShownMax ? policy.Record.Text : policy.Record.Text.Truncate(ShownMax) + "…";
        var why = policy.Domain == dmarc.Domain ? "" : dmarc.IsNonexistent ? $", which covers {dmarc.Domain}, a name without A, AAAA or MX record," : $", which covers {dmarc.Domain} too,";
        return dmarc.Policy is null
            ? $"DMARC ({dmarc.Result.Word()}): the record at _dmarc.{policy.Domain}{why} says \"{text}\", which names no policy. Give it p=none, p=quarantine or p=reject."
            : $"DMARC ({dmarc.Result.Word()}): the record at _dmarc.{policy.Domain}{why} says \"{text}\": the policy is {dmarc.Policy.Value.Word()}.";
    }

    private static string Testing(PublishedPolicy policy) =>
        $"DMARC: the record at _dmarc.{policy.Domain} says that its policy is a test (t=y), so that receivers do one level less. Take t=y out when the reports look right.";
}
