using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;

namespace MailApi.Mail.Authentication;

/// <summary>Why a message has no single From domain.</summary>
internal enum AuthorFault
{
    None,

    /// <summary>No From field.</summary>
    Missing,

    /// <summary>Several From fields, which RFC 5322 §3.6 forbids.</summary>
    SeveralFields,

    /// <summary>No address in it, as of a group without members.</summary>
    NoAddress,

    /// <summary>An address without a domain that the DNS could know.</summary>
    NoDomain,

    /// <summary>Addresses of different domains.</summary>
    SeveralDomains,
}

/// <summary>
/// Who the message says it is from: the addresses of the From field (RFC 5322 §3.4, with groups, comments and obsolete routes) and their one domain
/// in A-labels (RFC 9989 §5.3.1), over the field's octets.
/// </summary>
internal sealed record Author(string? Domain, AuthorFault Fault, IReadOnlyList<string> Addresses)
{
    /// <summary>More authors than a message can have in earnest; those after them are not looked at.</summary>
    public const int AddressesMax = 100;

    public static Author Of(RawMessage message)
    {
        var fields = message.Fields.Where(field => field.Name == "from").Take(2).ToList();
        if (fields.Count == 0) return new Author(null, AuthorFault.Missing, []);
        if (fields.Count > 1) return new Author(null, AuthorFault.SeveralFields, []);

        var addresses = AddressesIn(Encoding.UTF8.GetString(fields[0].Value.Span)).Take(AddressesMax).ToList();
        if (addresses.Count == 0) return new Author(null, AuthorFault.NoAddress, []);
        var domains = addresses.Select(DomainOf).Distinct().ToList();
        if (domains.Contains(null)) return new Author(null, AuthorFault.NoDomain, addresses);
        return domains.Count == 1 ? new Author(domains[0], AuthorFault.None, addresses) : new Author(null, AuthorFault.SeveralDomains, addresses);
    }

    private static string? DomainOf(string address)
    {
        var at = address.LastIndexOf('@');
        return at >= 0 && DomainName.TryParse(address[(at + 1)..].TrimEnd('.'), out var domain) ? domain : null;
    }

    /// <summary>What stands in angle brackets, or alone, between the commas of a list and the limits of groups.</summary>
    private static IEnumerable<string> AddressesIn(string list)
    {
        var (bare, angle) = (new StringBuilder(), (StringBuilder?)null);
        // In brackets, the first character tells whether a route comes (<@a,@b:user@c>, RFC 5322 §4.4), whose commas separate no addresses.
        var (isFirst, isRoute) = (false, false);
        for (var i = 0; i <= list.Length; i++)
        {
            var c = i < list.Length ? list[i] : ',';
            if (c == ';' || (c == ',' && !isRoute))
            {
                if (Plain((angle ?? bare).ToString()) is { Length: > 0 } address) yield return address;
                (bare, angle, isFirst, isRoute) = (new StringBuilder(), null, false, false);
            }
            else if (c == '(') i = EndOfComment(list, i);
            else if (c == '<' && angle is null) (angle, isFirst) = (new StringBuilder(), true);
            else if (c == '<') continue;
            else if (c == '>') SkipTo(list, ref i);
            else if (c == ':')
            {
                // "name:" begins a group; inside brackets a colon ends the route that stood before the address.
                (angle ?? bare).Clear();
                isRoute = false;
            }
            else
            {
                if (isFirst && !char.IsWhiteSpace(c)) (isFirst, isRoute) = (false, c == '@');
                if (c == '"') i = CopyQuoted(list, i, angle ?? bare);
                else (angle ?? bare).Append(c);
            }
        }
    }

    /// <summary>Behind the closing bracket nothing counts until the next comma or semicolon.</summary>
    private static void SkipTo(string list, ref int i)
    {
        while (i + 1 < list.Length && list[i + 1] is not (',' or ';'))
        {
            i++;
            if (list[i] == '(') i = EndOfComment(list, i);
            else if (list[i] == '"') i = CopyQuoted(list, i, new StringBuilder());
        }
    }

    private static int EndOfComment(string list, int i)
    {
        for (var depth = 0; i < list.Length; i++)
        {
            if (list[i] == '\\') i++;
            else if (list[i] == '(') depth++;
            else if (list[i] == ')' && --depth == 0) return i;
        }
        return list.Length;
    }

    private static int CopyQuoted(string list, int i, StringBuilder to)
    {
        to.Append('"');
        for (i++; i < list.Length && list[i] != '"'; i++)
        {
            if (list[i] == '\\') i++;
            if (i < list.Length) to.Append(list[i] is '@' or '"' ? '_' : list[i]);
        }
        to.Append('"');
        return i;
    }

    private static string Plain(string address) => string.Concat(address.Where(c => c is not (' ' or '\t' or '\r' or '\n')));
}
