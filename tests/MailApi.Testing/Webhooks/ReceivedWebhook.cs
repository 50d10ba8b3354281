using System.Text;
using System.Text.Json;

namespace MailApi.Testing;

/// <summary>A request that the receiver has read, header names compared without case.</summary>
public sealed record ReceivedWebhook
{
    public required string Method { get; init; }

    /// <summary>Path and query.</summary>
    public required string Path { get; init; }

    public required IReadOnlyDictionary<string, string> Headers { get; init; }
    public required byte[] Body { get; init; }
    public required DateTimeOffset Time { get; init; }

    /// <summary>The status that was sent in answer.</summary>
    public required int Status { get; init; }

    /// <summary><c>webhook-id</c>, or an empty text.</summary>
    public string Id => Headers.GetValueOrDefault("webhook-id") ?? "";

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The member <c>type</c> of the body.</summary>
    public string Type => Json.GetProperty("type").GetString() ?? "";

    /// <summary>Why the Standard Webhooks signature does not hold for this secret, or null when it does.</summary>
    public string? SignatureError(string secret) => StandardWebhooks.SignatureError(this, secret);
}
