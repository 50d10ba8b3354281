using System.Text;
using MailApi.Mail.Dkim;

namespace MailApi.Mail.Composition;

/// <summary>The header fields by which a reader unsubscribes with one click (RFC 8058 §3.1).</summary>
public static class OneClickFields
{
    internal const string PostValue = "List-Unsubscribe=One-Click";

    private const string Addresses = "list-unsubscribe";
    private const string Post = "list-unsubscribe-post";
    private const int AddressesRead = 10;

    /// <summary>
    /// Sees to it that a message has what receivers demand before they show their button: both fields, once, with an https address and the value of the RFC.
    /// </summary>
    /// <param name="message">Whose lines end with CRLF.</param>
    /// <param name="fields">Makes both fields with their CRLFs; asked where the message lacks them.</param>
    /// <returns>The message with those fields in front and without what it had of them; null when what it has will do.</returns>
    public static byte[]? Ensure(ReadOnlyMemory<byte> message, Func<byte[]> fields)
    {
        var raw = RawMessage.Parse(message);
        var own = raw.Fields.Where(field => field.Name is Addresses or Post).ToList();
        if (IsOneClick(own)) return null;
        var ours = fields();
        var whole = new byte[ours.Length + message.Length - own.Sum(field => field.Octets.Length)];
        ours.CopyTo(whole, 0);
        var at = ours.Length;
        var rest = message;
        foreach (var field in own.Count == 0 ? [] : raw.Fields)
        {
            if (!own.Contains(field))
            {
                field.Octets.CopyTo(whole.AsMemory(at));
                at += field.Octets.Length;
            }
            rest = rest[field.Octets.Length..];
        }
        rest.CopyTo(whole.AsMemory(at));
        return whole;
    }

    /// <summary>The first https address of a <c>List-Unsubscribe</c> (RFC 2369 §2: in angle brackets, blanks in them mean nothing), or null.</summary>
    internal static string? HttpsAddress(string list)
    {
        for (var (count, end) = (0, 0); count < AddressesRead; count++)
        {
            var begin = list.IndexOf('<', end);
            if (begin < 0 || (end = list.IndexOf('>', begin)) < 0) break;
            var address = list[(begin + 1)..end].Replace(" ", "", StringComparison.Ordinal).Replace("\t", "", StringComparison.Ordinal);
            if (Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme == "https" && uri.Host.Length > 0) return address;
        }
        return null;
    }

    private static bool IsOneClick(List<RawField> own) =>
        own.Count == 2 && own.Find(field => field.Name == Addresses) is { } addresses && HttpsAddress(Text(addresses)) is not null
        && own.Find(field => field.Name == Post) is { } post && Text(post).Equals(PostValue, StringComparison.OrdinalIgnoreCase);

    private static string Text(RawField field) => Encoding.UTF8.GetString(field.Value.Span).Replace("\r\n", "", StringComparison.Ordinal).Trim();
}
