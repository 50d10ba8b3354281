using System.Buffers;
using System.Net;

namespace MailApi.Api;

/// <summary>What the fields of several requests have in common.</summary>
internal static class Fields
{
    private static readonly SearchValues<char> HostCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    /// <summary>Not empty, no longer than this, and without control characters.</summary>
    public static bool IsText(string? text, int charsMax) => text is { Length: > 0 } && text.Length <= charsMax && !text.Any(char.IsControl);

    /// <summary>A host name or an address.</summary>
    public static bool IsHost(string? host) => host is { Length: > 0 and <= 253 }
        && (IPAddress.TryParse(host, out _) || (!host.AsSpan().ContainsAnyExcept(HostCharacters) && host.TrimEnd('.').Split('.').All(label => label.Length is > 0 and <= 63)));

    /// <summary>The words of an enumeration, for a message that asks for one of them.</summary>
    public static string Words<T>() where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(value => value.ToText()));
}
