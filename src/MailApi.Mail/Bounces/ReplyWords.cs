namespace MailApi.Mail.Bounces;

/// <summary>The words of a reply, in lower case. What stands in an address or the name of a host is somebody's choice, and no word of the receiver's.</summary>
internal readonly record struct ReplyWords
{
    /// <summary>With the domains of addresses, by which some rows know their receiver.</summary>
    public string WithDomains { get; private init; }

    /// <summary>Without addresses.</summary>
    public string Plain { get; private init; }

    /// <summary>For rows that know no receiver: no domain says anything to them.</summary>
    public ReplyWords OfAnybody => this with { WithDomains = Plain };

    public static ReplyWords Of(string text)
    {
        text = text.ToLowerInvariant();
        if (!text.Contains('@', StringComparison.Ordinal)) return new() { WithDomains = text, Plain = text };
        var (withDomains, plain) = (text.ToCharArray(), text.ToCharArray());
        for (var at = text.IndexOf('@', StringComparison.Ordinal); at >= 0; at = text.IndexOf('@', at + 1))
        {
            var begin = LocalPartBegin(text, at);
            Blank(withDomains, begin, at);
            Blank(plain, begin, DomainEnd(text, at + 1));
        }
        return new() { WithDomains = new string(withDomains), Plain = new string(plain) };
    }

    /// <summary>Without the names of hosts as well: three labels or more, the last of letters. Two may be sentences without a blank between them.</summary>
    public string WithoutHosts()
    {
        var text = Plain.ToCharArray();
        for (var begin = 0; begin < text.Length; begin++)
        {
            if (Plain[begin] is '.' or '-') continue;
            var end = DomainEnd(Plain, begin);
            var name = Plain.AsSpan(begin, end - begin);
            var label = name.LastIndexOf('.') + 1;
            if (name.Count('.') > 1 && Plain.AsSpan(begin + label, end - begin - label).IndexOfAnyExceptInRange('a', 'z') < 0) Blank(text, begin, end);
            begin = end;
        }
        return new string(text);
    }

    /// <summary>Where the local part begins that ends before an at sign (RFC 5321 §4.1.2). Of what an atom may hold only that which no URL has around an address.</summary>
    private static int LocalPartBegin(string text, int at)
    {
        if (at > 1 && text[at - 1] == '"' && text.LastIndexOf('"', at - 2) is >= 0 and var quote) return quote;
        while (at > 0 && (IsOfName(text[at - 1]) || text[at - 1] is '_' or '+' or '\'')) at--;
        return at;
    }

    /// <summary>Behind the last character of a domain; a full stop behind it ends the sentence.</summary>
    private static int DomainEnd(string text, int begin)
    {
        var end = begin;
        while (end < text.Length && IsOfName(text[end])) end++;
        while (end > begin && text[end - 1] == '.') end--;
        return end;
    }

    /// <summary>Scripts that write no blanks (from U+2E80 on) would make an address of the words around it.</summary>
    private static bool IsOfName(char it) => it is '.' or '-' || it < '\u2E80' && char.IsLetterOrDigit(it);

    private static void Blank(char[] text, int begin, int end) => text.AsSpan(begin, end - begin).Fill(' ');
}
