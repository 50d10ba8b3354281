using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Dkim;

namespace MailApi.Sandbox;

/// <summary>A message of the sandbox inbox as the list shows it.</summary>
public sealed record SandboxSummary
{
    public required SandboxMessageId Id { get; init; }
    public required MessageId Message { get; init; }
    public required EnvelopeId Envelope { get; init; }
    public required string Recipient { get; init; }

    /// <summary>The mailbox of the From field, in the form that <c>POST /send</c> takes; empty where there is none.</summary>
    public required string From { get; init; }
    public required string Subject { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Octets as received, the signature among them.</summary>
    public required int Size { get; init; }
}

/// <summary>A message of the sandbox inbox, as a mail program would show it and as it was received.</summary>
public sealed record SandboxMessage
{
    public required SandboxMessageId Id { get; init; }
    public required MessageId Message { get; init; }
    public required EnvelopeId Envelope { get; init; }

    /// <summary>The envelope's sender: our return path.</summary>
    public required string MailFrom { get; init; }
    public required string Recipient { get; init; }
    public required string From { get; init; }
    public required IReadOnlyList<string> To { get; init; }
    public required IReadOnlyList<string> Cc { get; init; }
    public required IReadOnlyList<string> ReplyTo { get; init; }
    public required string Subject { get; init; }
    public required DateTimeOffset? Date { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }
    public required int Size { get; init; }
    public required IReadOnlyList<SandboxHeader> Headers { get; init; }
    public required string? Text { get; init; }
    public required string? Html { get; init; }
    public required IReadOnlyList<SandboxAttachment> Attachments { get; init; }
    public required SandboxAuthentication Authentication { get; init; }

    /// <summary>As received; octets that are no UTF-8 are replaced. The route <c>…/raw</c> has the octets.</summary>
    public required string Raw { get; init; }
}

/// <summary>A header field, unfolded and decoded, in the order of the message.</summary>
public sealed record SandboxHeader(string Name, string Value);

/// <summary>An attachment, or a part that the HTML shows.</summary>
/// <param name="Filename">As the message names it.</param>
/// <param name="ContentType">Without parameters.</param>
/// <param name="Size">Octets, decoded.</param>
/// <param name="ContentId">Without angle brackets.</param>
/// <param name="Sha256">Of the decoded octets, in lower-case hexadecimal.</param>
public sealed record SandboxAttachment(string? Filename, string ContentType, int Size, string? ContentId, string Sha256);

/// <summary>What a receiver would find out: a verdict on each signature, as if the domain's records were published.</summary>
public sealed record SandboxAuthentication(IReadOnlyList<SignatureVerdict> Dkim);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SandboxMessage))]
[JsonSerializable(typeof(Page<SandboxSummary>))]
internal sealed partial class SandboxJson : JsonSerializerContext;
