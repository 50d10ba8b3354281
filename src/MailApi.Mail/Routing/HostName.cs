using System.Buffers;

namespace MailApi.Mail.Routing;

/// <summary>
/// The shape of names that may be looked up or connected to: letters, digits, hyphens and underscores (which real mail hosts have), labels of
/// 1 to 63 octets, 253 in all (RFC 1035 §2.3.4). What a stranger's DNS says goes no further in any other shape.
/// </summary>
internal static class HostName
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    public static bool IsValid(string name)
    {
        if (name.Length is 0 or > 253) return false;
        foreach (var range in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan(range);
            if (label.Length is 0 or > 63 || label.ContainsAnyExcept(Allowed)) return false;
        }
        return true;
    }
}
