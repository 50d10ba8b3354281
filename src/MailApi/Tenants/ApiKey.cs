using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Tenants;

/// <summary>Where a key's mail goes.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<KeyMode>))]
public enum KeyMode
{
    /// <summary>To its recipients.</summary>
    Live,

    /// <summary>To the sandbox inbox, whoever the recipients are.</summary>
    Test,
}

/// <summary>
/// The text of an API key: <c>mk_live_</c> or <c>mk_test_</c>, 43 characters of base 62 (256 bits), and a checksum of six, so that a mistyped
/// or invented key is refused without a look-up and secret scanners can tell a real one. Only its SHA-256 is stored.
/// </summary>
public static class ApiKey
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly SearchValues<char> Allowed = SearchValues.Create(Alphabet);
    private const int SecretChars = 43;
    private const int ChecksumChars = 6;

    /// <summary>A new key; shown to its owner once.</summary>
    public static string Generate(KeyMode mode)
    {
        var key = Prefix(mode) + RandomNumberGenerator.GetString(Alphabet, SecretChars);
        return key + Checksum(key);
    }

    /// <summary>False unless the text has the form of a key and its checksum fits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out KeyMode mode)
    {
        mode = default;
        foreach (var candidate in Enum.GetValues<KeyMode>())
        {
            var prefix = Prefix(candidate);
            if (text is null || text.Length != prefix.Length + SecretChars + ChecksumChars || !text.StartsWith(prefix, StringComparison.Ordinal)) continue;
            mode = candidate;
            return !text.AsSpan(prefix.Length).ContainsAnyExcept(Allowed) && text.EndsWith(Checksum(text[..^ChecksumChars]), StringComparison.Ordinal);
        }
        return false;
    }

    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static string Prefix(KeyMode mode) => mode == KeyMode.Live ? "mk_live_" : "mk_test_";

    private static string Checksum(string text)
    {
        var rest = Crc32.HashToUInt32(Encoding.ASCII.GetBytes(text));
        Span<char> checksum = stackalloc char[ChecksumChars];
        for (var index = ChecksumChars - 1; index >= 0; index--, rest /= (uint)Alphabet.Length) checksum[index] = Alphabet[(int)(rest % (uint)Alphabet.Length)];
        return checksum.ToString();
    }
}
