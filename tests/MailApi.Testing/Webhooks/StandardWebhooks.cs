using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailApi.Testing;

/// <summary>The receiver's side of Standard Webhooks 1.0: HMAC-SHA256 over <c>id.timestamp.body</c>.</summary>
public static class StandardWebhooks
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>Why the signature does not hold, or null when it does.</summary>
    /// <param name="webhook">Its time of arrival is what the timestamp is compared with.</param>
    /// <param name="secret"><c>whsec_</c> and base64.</param>
    public static string? SignatureError(ReceivedWebhook webhook, string secret)
    {
        if (!secret.StartsWith("whsec_", StringComparison.Ordinal)) return "The secret does not begin with whsec_.";
        if (webhook.Id.Length == 0) return "There is no webhook-id.";
        if (!webhook.Headers.TryGetValue("webhook-timestamp", out var timestamp)
            || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return "There is no webhook-timestamp in seconds.";
        if ((webhook.Time - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() > Tolerance) return $"The timestamp {timestamp} is more than 5 minutes off.";
        if (!webhook.Headers.TryGetValue("webhook-signature", out var signatures)) return "There is no webhook-signature.";
        var expected = Sign(webhook.Id, timestamp, webhook.Body, secret);
        return signatures.Split(' ').Any(one => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(one), Encoding.ASCII.GetBytes(expected)))
            ? null
            : $"None of '{signatures}' is {expected}.";
    }

    /// <summary><c>v1,</c> and the signature in base64.</summary>
    public static string Sign(string id, string timestamp, byte[] body, string secret)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        return $"v1,{Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), signed))}";
    }
}
