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

    /// <summary>Whether a message has what receivers demand before they show their button: both fields, once, with an https address and the value of the RFC.</summary>
    /// <param name="message">Whose lines end with CRLF.</param>
    public static bool IsOffered(ReadOnlyMemory<byte> message)
    {
        var fields = RawMessage.Parse(message).Fields;
        return fields.Where(field => field.Name == Addresses).ToList() is [var addresses] && HttpsAddress(Text(addresses)) is not null
            && fields.Where(field => field.Name == Post).ToList() is [var post] && Text(post).Equals(PostValue, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The message without these fields.</summary>
    public static byte[] Without(ReadOnlyMemory<byte> message)
    {
        var raw = RawMessage.Parse(message);
        var kept = raw.Fields.Where(field => field.Name is not (Addresses or Post)).ToList();
        return [.. kept.SelectMany(field => field.Octets.ToArray()), .. message[raw.Fields.Sum(field => field.Octets.Length)..].Span];
    }

    /// <summary>The first https address of a <c>List-Unsubscribe</c> (RFC 2369 §2: in angle brackets, parted by commas), or null.</summary>
    internal static string? HttpsAddress(string list)
    {
        foreach (var item in list.Split(',', AddressesRead))
        {
            var text = item.Trim();
            if (text is ['<', .. var inner, '>'] && Uri.TryCreate(inner.Trim(), UriKind.Absolute, out var uri) && uri.Scheme == "https" && uri.Host.Length > 0) return inner.Trim();
        }
        return null;
    }

    private static string Text(RawField field) => Encoding.UTF8.GetString(field.Value.Span).Replace("\r\n", "", StringComparison.Ordinal).Trim();
}
