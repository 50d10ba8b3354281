using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>What an SPF record costs those who check it.</summary>
/// <param name="Domain">Whose record it is.</param>
/// <param name="Count">Terms that cost a look-up, of the record and all that it includes, at worst. <see cref="Spf.LookupsMax"/> are allowed (RFC 7208 §4.6.4).</param>
/// <param name="Costs">The terms of the record itself that have a share in it.</param>
/// <param name="Problems">What makes the record err or the count uncertain: sentences, the gravest first. Empty where all is well.</param>
public sealed record SpfLookups(string Domain, int Count, IReadOnlyList<SpfCost> Costs, IReadOnlyList<string> Problems)
{
    public bool IsWithinLimit => Count <= Spf.LookupsMax;
}

/// <summary>What one term costs, with all that it leads to.</summary>
/// <param name="Term">As written.</param>
/// <param name="Lookups">At least 1.</param>
public sealed record SpfCost(string Term, int Lookups);

/// <summary>Counts; ends after <see cref="CountMax"/>, since includes that include each other twice grow without measure.</summary>
internal sealed class SpfLookupCount(DnsResolver dns, CancellationToken ct)
{
    public const int CountMax = 100;
    private const int ProblemsMax = 20;

    private readonly List<SpfCost> costs = [];
    private readonly List<string> problems = [];
    private int count;

    public async Task<SpfLookups> Run(string domain)
    {
        domain = domain.TrimEnd('.').ToLowerInvariant();
        await Walk(domain, []);
        return Result(domain);
    }

    /// <summary>What was counted so far.</summary>
    public SpfLookups CutShort(string domain, string problem)
    {
        problems.Add(problem);
        return Result(domain);
    }

    private SpfLookups Result(string domain)
    {
        if (count <= Spf.LookupsMax) return new SpfLookups(domain, count, costs, problems);
        var costliest = costs.OrderByDescending(cost => cost.Lookups).Take(3).Select(cost => $"\"{SpfWording.Clip(cost.Term)}\" ({cost.Lookups})").ToList();
        var excess = $"Checking the SPF record of {domain} can take {(count > CountMax ? "more than " + CountMax : count)} look-ups, but receivers stop after {Spf.LookupsMax} and treat the record as broken. "
            + $"The costliest terms: {SpfWording.List(costliest)}.";
        return new SpfLookups(domain, count, costs, [excess, .. problems]);
    }

    private async Task Walk(string domain, IReadOnlyList<string> path)
    {
        switch (await PublishedSpf.Find(dns, domain, ct))
        {
            case PublishedSpf.One { Record: var record }:
                foreach (var term in record.Evaluated.Where(term => term.CostsLookup))
                {
                    if (count > CountMax) return;
                    var before = count++;
                    await Enter(term, domain, [.. path, domain]);
                    if (path.Count == 0) costs.Add(new SpfCost(term.Text, count - before));
                }
                break;
            case PublishedSpf.None none: Note(none.Why, path, path.Count == 0 ? "" : " Receivers treat an include of it as an error."); break;
            case PublishedSpf.Broken broken: Note(broken.Why, path, ""); break;
            case PublishedSpf.Away away: Note(away.Why, path, " What it costs is not known."); break;
        }
    }

    private async Task Enter(SpfTerm term, string domain, IReadOnlyList<string> path)
    {
        var spec = (term as SpfTerm.Include)?.Domain ?? (term as SpfTerm.Redirect)?.Domain;
        if (spec is null) return;
        if (!spec.IsFixed)
        {
            Note($"the term \"{SpfWording.Clip(term.Text)}\" in the SPF record of {domain} leads elsewhere for every message; it was counted as one look-up", [], "");
            return;
        }
        var name = spec.ExpandName(_ => "").ToLowerInvariant();
        if (path.Contains(name)) Note($"the SPF records include each other in a circle: {string.Join(" → ", path.SkipWhile(step => step != name))} → {name}", [], " Receivers treat that as an error.");
        else await Walk(name, path);
    }

    /// <param name="why">A clause.</param>
    /// <param name="path">How it was reached.</param>
    /// <param name="consequence">A sentence behind a space where it was reached from another record, or nothing.</param>
    private void Note(string why, IReadOnlyList<string> path, string consequence)
    {
        if (problems.Count >= ProblemsMax) return;
        var chain = path.Count == 0 ? "" : $" (reached by {string.Join(" → ", path)})";
        // The names of domains keep their case.
        var sentence = why.StartsWith("the ", StringComparison.Ordinal) ? $"T{why[1..]}" : why;
        problems.Add($"{sentence}{chain}.{consequence}");
    }
}
