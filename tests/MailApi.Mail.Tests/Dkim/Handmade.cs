using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using MailApi.Mail.Dkim;

namespace MailApi.Mail.Tests.Dkim;

/// <summary>
/// DKIM signatures and ARC sets with any tags at all, by a second hand: relaxed canonicalization in a few lines of its own, for messages whose
/// bodies are in canonical form already.
/// </summary>
internal static class Handmade
{
    private static readonly RSA Private = Load();

    /// <summary>The record of the key that signs everything here.</summary>
    public static string Record => Signed.Record;

    /// <summary>The message with a <c>DKIM-Signature</c> of these tags in front; <c>bh=</c> and <c>b=</c> are added.</summary>
    public static string Sign(string tags, string message, long? length = null) =>
        Field("DKIM-Signature", tags, message, length) + message;

    /// <summary>The message with one more ARC set in front, the number of which is <paramref name="instance"/>.</summary>
    public static string Seal(string message, int instance, string cv, string domain = "relay.example", string selector = "m1",
        string? seal = null, string sealAlgorithm = "rsa-sha256", string names = "from:to:subject")
    {
        var results = $"ARC-Authentication-Results: i={instance}; {domain}; spf=pass; dkim=pass; dkim=pass\r\n";
        var signature = Field("ARC-Message-Signature", $"i={instance}; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector}; h={names}", message, null);
        var unsigned = $"ARC-Seal: {seal ?? $"i={instance}; a={sealAlgorithm}; cv={cv}; d={domain}; s={selector}"}; b=";
        var fields = Fields(message);
        var chain = string.Concat(Enumerable.Range(1, instance - 1)
            .SelectMany(i => Names.Select(name => fields.FirstOrDefault(field => field.StartsWith($"{name}: i={i};", StringComparison.Ordinal)) ?? ""))
            .Append(results).Append(signature).Select(Relaxed));
        var digest = SHA256.HashData(Encoding.Latin1.GetBytes(chain + Relaxed(unsigned + "\r\n")[..^2]));
        return $"{unsigned}{SignHash(digest)}\r\n{signature}{results}{message}";
    }

    private static readonly string[] Names = ["ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"];

    private static string Field(string name, string tags, string message, long? length)
    {
        var end = message.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var body = Encoding.Latin1.GetBytes(message[(end + 4)..]);
        var hash = Convert.ToBase64String(SHA256.HashData(length is { } octets ? body[..(int)octets] : body));
        var unsigned = $"{name}: {tags}; bh={hash}; b=";
        var names = Regex.Match(tags, @"\bh=([^;]*)").Groups[1].Value.Split(':').Select(field => field.Trim());
        var covered = string.Concat(names.Select(field => Relaxed(Find(message, field))));
        return unsigned + SignHash(SHA256.HashData(Encoding.Latin1.GetBytes(covered + Relaxed(unsigned + "\r\n")[..^2]))) + "\r\n";
    }

    private static string SignHash(byte[] digest)
    {
        lock (Private) return Convert.ToBase64String(Private.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    /// <summary>The last field of the name.</summary>
    private static string Find(string message, string name) =>
        Fields(message).LastOrDefault(field => field.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase)) ?? "";

    private static string[] Fields(string message)
    {
        var header = message[..message.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        return [.. Regex.Split(header, "\r\n(?![ \t])").Select(field => field + "\r\n")];
    }

    private static string Relaxed(string field)
    {
        if (field.Length == 0) return "";
        var colon = field.IndexOf(':', StringComparison.Ordinal);
        return $"{field[..colon].Trim().ToLowerInvariant()}:{Regex.Replace(field[(colon + 1)..].Replace("\r\n", "", StringComparison.Ordinal), "[ \t]+", " ").Trim(' ')}\r\n";
    }

    private static RSA Load()
    {
        var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(Signed.Key.ExportPrivate(), out _);
        return rsa;
    }
}
