using System.Buffers;

namespace MailApi.Mail.Routing;

/// <summary>
/// The shape of names that may be looked up or connected to: letters, digits, hyphens and underscores (which real mail hosts have), labels of
/// 1 to 63 octets, 253 in all (RFC 1035 §2.3.4). What a stranger's DNS says goes no further in any other shape.
/// </summary>
internal static class HostName
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    private static readonly SearchValues<char> Printable = SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)]);

    public static bool IsValid(string name) => HasLabels(name, Allowed);

    /// <summary>
    /// May be asked for, though it is nobody's host: names that SPF makes of a stranger's words (RFC 7208 §7) hold any printable ASCII, and
    /// exist where their owner has said so.
    /// </summary>
    public static bool CanBeAsked(string name) => HasLabels(name, Printable);

    private static bool HasLabels(string name, SearchValues<char> allowed)
    {
        if (name.Length is 0 or > 253) return false;
        foreach (var range in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan(range);
            if (label.Length is 0 or > 63 || label.ContainsAnyExcept(allowed)) return false;
        }
        return true;
    }
}
