using System.Globalization;

namespace MailApi.Mail.Authentication;

/// <summary>Sentences about SPF for a person who runs no mail server.</summary>
internal static class SpfWording
{
    /// <summary>Longer quotations of strangers' text are cut.</summary>
    private const int QuotedMax = 100;

    /// <summary>Of what a record lists, and of what a term stands for, so many are named.</summary>
    private const int NamedMax = 8;

    /// <summary>Text of a stranger, made harmless and short.</summary>
    public static string Clip(string text)
    {
        var shown = text.Length <= QuotedMax ? text : string.Concat(text.AsSpan(0, QuotedMax), "…");
        return string.Concat(shown.Select(c => char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? '?' : c));
    }

    /// <summary><c>a, b and c</c>; of many, the first and a number.</summary>
    public static string List(IReadOnlyList<string> items) => items.Count switch
    {
        0 => "",
        1 => items[0],
        <= NamedMax => $"{string.Join(", ", items.Take(items.Count - 1))} and {items[^1]}",
        _ => $"{string.Join(", ", items.Take(NamedMax))} and {items.Count - NamedMax} more",
    };

    public static string Whole(SpfSender sender, SpfOutcome outcome)
    {
        var (client, domain) = (sender.Client, sender.Domain);
        var head = outcome.Result switch
        {
            AuthenticationResult.Pass => $"{client} may send mail for {domain}",
            AuthenticationResult.Fail => $"{client} may not send mail for {domain}",
            AuthenticationResult.SoftFail => $"{client} is probably not meant to send mail for {domain}",
            AuthenticationResult.Neutral => $"{domain} does not say whether {client} may send its mail",
            AuthenticationResult.None => "SPF says nothing about this message",
            AuthenticationResult.TempError => $"The SPF of {domain} cannot be judged right now, and receivers may put the mail off",
            AuthenticationResult.PermError => $"The SPF of {domain} is broken, so that receivers cannot rely on it",
            _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
        };
        var identity = sender.IsHelo ? " The message has no return path (as bounces have none), so the name that the server gave of itself was checked." : "";
        return $"{head}: {outcome.Why}.{identity}";
    }

    /// <summary>What a matching <c>all</c> says, after the terms that did not match.</summary>
    public static string Last(string domain, SpfTerm.All all, SpfSender sender, IReadOnlyList<string> missed)
    {
        var rest = missed.Count == 0 ? "every server" : "every other server";
        var says = all.Qualifier switch
        {
            SpfQualifier.Pass => $"allows {rest} of the internet",
            SpfQualifier.Fail => $"forbids {rest}",
            SpfQualifier.SoftFail => $"marks {rest} as doubtful",
            _ => missed.Count == 0 ? "says nothing about any server" : "says nothing about other servers",
        };
        return $"{Lists(domain, sender, missed)}, and the last term \"{all.Text}\" {says}";
    }

    public static string NoMatch(string domain, SpfSender sender, IReadOnlyList<string> missed) =>
        $"{Lists(domain, sender, missed)}, and it ends without \"-all\" or \"~all\", so that it does not say what of other servers";

    public static string Matched(string domain, SpfTerm.Mechanism term, string how)
    {
        var says = term.Qualifier switch
        {
            SpfQualifier.Pass => "allows it",
            SpfQualifier.Fail => "forbids it",
            SpfQualifier.SoftFail => "marks it as doubtful",
            _ => "says neither yes nor no to it",
        };
        return $"the term \"{Clip(term.Text)}\" in the SPF record of {domain} {says}, since {how}";
    }

    public static string TooManyLookups(string domain, SpfTerm term) =>
        $"checking it takes more than {Spf.LookupsMax} look-ups, which is all that receivers do; the one too many was \"{Clip(term.Text)}\" in the SPF record of {domain}. "
        + "Replace includes by the addresses they stand for, or remove those of services no longer used";

    public static string TooManyVoids(string domain, SpfTerm term) =>
        $"more than {Spf.VoidLookupsMax} of its terms name things that do not exist, which is all that receivers bear; the one too many was \"{Clip(term.Text)}\" in the SPF record of {domain}. "
        + "Remove the terms whose names no longer exist";

    private static string Lists(string domain, SpfSender sender, IReadOnlyList<string> missed) =>
        missed.Count == 0 ? $"the SPF record of {domain} lists no servers" : $"the SPF record of {domain} lists {List(missed)}; {sender.Client} is not among them";
}
