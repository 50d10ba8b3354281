using System.Text;

namespace MailApi.Testing;

/// <summary>A request as the webhook receiver has read it: on disk before its answer leaves.</summary>
/// <param name="Time">When it was read.</param>
/// <param name="Path">Whom it is for.</param>
/// <param name="Id"><c>webhook-id</c>.</param>
/// <param name="Timestamp"><c>webhook-timestamp</c>.</param>
/// <param name="Signature"><c>webhook-signature</c>.</param>
/// <param name="Body">The payload.</param>
/// <param name="Status">What it was answered; 0 for a connection that was cut.</param>
public sealed record WebhookLedgerLine(DateTimeOffset Time, string Path, string Id, string Timestamp, string Signature, string Body, int Status)
{
    internal static WebhookLedgerLine Of(ReceivedWebhook webhook) => new(
        webhook.Time, webhook.Path, webhook.Id, webhook.Headers.GetValueOrDefault("webhook-timestamp", ""), webhook.Headers.GetValueOrDefault("webhook-signature", ""),
        webhook.Text, webhook.Status);

    /// <summary>Why the signature does not hold for this secret, or null when it does.</summary>
    public string? SignatureError(string secret) => new ReceivedWebhook
    {
        Method = "POST",
        Path = Path,
        Headers = new Dictionary<string, string> { ["webhook-id"] = Id, ["webhook-timestamp"] = Timestamp, ["webhook-signature"] = Signature },
        Body = Encoding.UTF8.GetBytes(Body),
        Time = Time,
        Status = Status,
    }.SignatureError(secret);
}
