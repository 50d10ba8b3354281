using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailApi.Webhooks;

/// <summary>Signs deliveries after Standard Webhooks: HMAC-SHA256 over <c>id.timestamp.body</c>.</summary>
internal static class Signature
{
    public const int SecretBytes = 32;
    private const string SecretPrefix = "whsec_";

    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>The form that the tenant is shown: <c>whsec_</c> and base64.</summary>
    public static string Show(ReadOnlySpan<byte> secret) => SecretPrefix + Convert.ToBase64String(secret);

    /// <summary>The value of <c>webhook-signature</c>: one <c>v1,…</c> for each secret, separated by blanks.</summary>
    public static string Header(IEnumerable<byte[]> secrets, string id, long unixSeconds, ReadOnlySpan<byte> body)
    {
        byte[] content = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{unixSeconds}.")), .. body];
        return string.Join(' ', secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, content))));
    }
}
