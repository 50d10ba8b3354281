using System.Diagnostics.CodeAnalysis;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Authentication;

/// <summary>An SPF record (RFC 7208 §3, §4.6.1): its terms in their order.</summary>
public sealed class SpfRecord
{
    /// <summary>
    /// RFC 7208 §3.4 asks for 450 octets in all; the longest records in use have a few thousand. It bounds the terms, and what their macros
    /// expand to, as well.
    /// </summary>
    public const int CharactersMax = 16_384;

    private const string Version = "v=spf1";

    private SpfRecord(string text, IReadOnlyList<SpfTerm> terms) => (Text, Terms) = (text, terms);

    /// <summary>As published.</summary>
    public string Text { get; }

    public IReadOnlyList<SpfTerm> Terms { get; }

    public IEnumerable<SpfTerm.Mechanism> Mechanisms => Terms.OfType<SpfTerm.Mechanism>();

    /// <summary>What is asked where nothing matches; null beside <c>all</c>, which makes it void (RFC 7208 §6.1).</summary>
    public SpfTerm.Redirect? Redirect => Mechanisms.Any(term => term is SpfTerm.All) ? null : Terms.OfType<SpfTerm.Redirect>().FirstOrDefault();

    /// <summary>Where the owner explains a fail.</summary>
    public SpfTerm.Explanation? Explanation => Terms.OfType<SpfTerm.Explanation>().FirstOrDefault();

    /// <summary>The terms that can be evaluated: nothing behind <c>all</c> is (RFC 7208 §5.1), and redirect comes last.</summary>
    public IEnumerable<SpfTerm> Evaluated
    {
        get
        {
            foreach (var mechanism in Mechanisms)
            {
                yield return mechanism;
                if (mechanism is SpfTerm.All) yield break;
            }
            if (Redirect is { } redirect) yield return redirect;
        }
    }

    /// <summary>The text of a TXT record is meant as SPF: its first word is the version, in any case (RFC 7208 §4.5).</summary>
    public static bool IsSpf(string text) =>
        text.StartsWith(Version, StringComparison.OrdinalIgnoreCase) && (text.Length == Version.Length || text[Version.Length] == ' ');

    /// <param name="text">All strings of the TXT record, joined.</param>
    /// <param name="record">What it says.</param>
    /// <param name="error">A clause that names the term and what is wrong with it.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out SpfRecord? record, [NotNullWhen(false)] out string? error)
    {
        (record, error) = (null, null);
        if (!IsSpf(text))
        {
            error = "it does not begin with \"v=spf1\" and a space";
            return false;
        }
        if (text.Length > CharactersMax)
        {
            error = $"it has more than {CharactersMax} characters";
            return false;
        }
        List<SpfTerm> terms = [];
        foreach (var word in text[Version.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!SpfSyntax.TryParse(word, out var term, out var wrong))
            {
                error = $"the term \"{SpfWording.Clip(word)}\" is wrong: {wrong}";
                return false;
            }
            terms.Add(term);
        }
        // RFC 7208 §6.
        if (terms.Count(term => term is SpfTerm.Redirect) > 1) error = "it has more than one \"redirect=\"";
        if (terms.Count(term => term is SpfTerm.Explanation) > 1) error = "it has more than one \"exp=\"";
        if (error is not null) return false;
        record = new SpfRecord(text, terms);
        return true;
    }

    /// <summary>The record with <c>include:host</c> before its <c>all</c> or <c>redirect=</c>, all else as it was.</summary>
    public SpfMerge Including(string host)
    {
        host = host.TrimEnd('.').ToLowerInvariant();
        if (!HostName.IsValid(host)) return new SpfMerge.Refused($"\"{SpfWording.Clip(host)}\" is not a host name.");
        foreach (var term in Evaluated)
        {
            if (term is SpfTerm.Redirect { Domain: var target } && Names(target, host)) return new SpfMerge.Unchanged();
            if (term is not SpfTerm.Include { Domain: var included } include || !Names(included, host)) continue;
            return include.Qualifier == SpfQualifier.Pass
                ? new SpfMerge.Unchanged()
                : new SpfMerge.Refused($"The record says \"{include.Text}\", which does not allow our servers. Take that term away or write it without its sign.");
        }
        if (Mechanisms.FirstOrDefault(term => term is SpfTerm.All) is { Qualifier: SpfQualifier.Pass } all)
            return new SpfMerge.Refused($"The record says \"{all.Text}\", which lets every server of the internet send for the domain. Write \"~all\" first.");
        if (Evaluated.Count(term => term.CostsLookup) >= Spf.LookupsMax)
            return new SpfMerge.Refused($"The record already has {Spf.LookupsMax} terms that cost a look-up; receivers stop there. Take one away first.");

        List<string> words = [Version, .. Terms.Select(term => term.Text)];
        words.Insert(1 + InsertionPoint(), $"include:{host}");
        return string.Join(' ', words) is { Length: <= CharactersMax } text ? new SpfMerge.Merged(text) : new SpfMerge.Refused("The record would become too long.");
    }

    public override string ToString() => Text;

    private static bool Names(SpfMacroString domain, string host) => domain.IsFixed && domain.Text.TrimEnd('.').Equals(host, StringComparison.OrdinalIgnoreCase);

    /// <summary>Before <c>all</c>, else behind the last mechanism: a <c>-ip4:</c> in front of it keeps its force, and modifiers may stand anywhere.</summary>
    private int InsertionPoint()
    {
        var all = Terms.ToList().FindIndex(term => term is SpfTerm.All);
        return all >= 0 ? all : Terms.ToList().FindLastIndex(term => term is SpfTerm.Mechanism) + 1;
    }
}

/// <summary>What became of a record that was to include one host more. The set of cases is closed.</summary>
public abstract record SpfMerge
{
    private SpfMerge() { }

    /// <summary>It is included already.</summary>
    public sealed record Unchanged : SpfMerge;

    /// <param name="Text">The record to publish instead.</param>
    public sealed record Merged(string Text) : SpfMerge;

    /// <param name="Reason">Why it makes no sense, and what to do: sentences.</param>
    public sealed record Refused(string Reason) : SpfMerge;
}
