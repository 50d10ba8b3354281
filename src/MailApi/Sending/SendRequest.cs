using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Spool;

namespace MailApi.Sending;

/// <summary>
/// A message. Addresses may carry a display name: <c>Ann &lt;ann@example.net&gt;</c>. One recipient in <c>to</c>, <c>cc</c> or <c>bcc</c> and one of
/// <c>text</c> and <c>html</c> are required; the composed message has at most 25 MiB.
/// </summary>
/// <remarks>The attributes are for the reference; <see cref="SendRequestValidator"/> holds callers to them.</remarks>
public sealed record SendRequest
{
    /// <summary>One mailbox at a verified domain of the tenant.</summary>
    [Required]
    public string? From { get; init; }

    /// <summary>Recipients; <c>to</c>, <c>cc</c> and <c>bcc</c> have at most 1,000 together.</summary>
    [MaxLength(SendLimits.RecipientsMax)]
    public IReadOnlyList<string?>? To { get; init; }

    /// <summary>Recipients of a copy.</summary>
    [MaxLength(SendLimits.RecipientsMax)]
    public IReadOnlyList<string?>? Cc { get; init; }

    /// <summary>Recipients that no header names.</summary>
    [MaxLength(SendLimits.RecipientsMax)]
    public IReadOnlyList<string?>? Bcc { get; init; }

    /// <summary>Where answers go instead of to <c>from</c>.</summary>
    [MaxLength(SendLimits.ReplyToMax)]
    public IReadOnlyList<string?>? ReplyTo { get; init; }

    /// <summary>One line.</summary>
    [Required, MaxLength(SendLimits.SubjectCharsMax)]
    public string? Subject { get; init; }

    /// <summary>The message as plain text.</summary>
    public string? Text { get; init; }

    /// <summary>The message as HTML; with <c>text</c> beside it, readers choose.</summary>
    public string? Html { get; init; }

    /// <summary>The stream of mail, with its own queue, retry schedule, lifetime and suppression rules; the domain must carry it.</summary>
    [Required, TextOf(typeof(Category))]
    public string? Category { get; init; }

    /// <summary>Further header fields, in order, such as <c>X-Order</c>; those that the service writes itself are refused. A value has at most 4,096 characters. In marketing mail a List-Unsubscribe that offers less than one click (RFC 8058) gives way to the service's own.</summary>
    [MaxLength(SendLimits.HeadersMax)]
    public IReadOnlyDictionary<string, string?>? Headers { get; init; }

    /// <summary>What the message is about: a name of <c>PUT /topics</c>. Marketing does not go to those who do not want the topic.</summary>
    [MaxLength(SendLimits.TopicCharsMax)]
    public string? Topic { get; init; }

    /// <summary>Words to find messages by, of at most 128 characters each; they do not leave the service.</summary>
    [MaxLength(SendLimits.TagsMax)]
    public IReadOnlyList<string?>? Tags { get; init; }

    /// <summary>Comes back in every event, and does not leave the service otherwise. Keys have at most 64 characters, values 512.</summary>
    [MaxLength(SendLimits.MetadataEntriesMax)]
    public IReadOnlyDictionary<string, string?>? Metadata { get; init; }

    /// <summary>Files.</summary>
    [MaxLength(SendLimits.AttachmentsMax)]
    public IReadOnlyList<SendAttachment?>? Attachments { get; init; }

    /// <summary>Not to be sent before; a date and time (RFC 3339), at most ten years ahead.</summary>
    [DataType(DataType.DateTime)]
    public string? SendAt { get; init; }

    /// <summary>What to do when a receiver's answer to the whole message was lost: <c>retry</c> (default) risks a second copy, <c>hold</c> risks none.</summary>
    [TextOf(typeof(OnUncertain))]
    public string? OnUncertain { get; init; }

    /// <summary>
    /// Send it under TLS to authenticated servers that promise the same for the rest of the way (REQUIRETLS, RFC 8689), or not at all: where that cannot be
    /// had it bounces with 5.7.30 or 5.7.10. Few receivers offer it.
    /// </summary>
    public bool? RequireTls { get; init; }
}

/// <summary>A file. With a <c>contentId</c> the HTML can show it: <c>&lt;img src="cid:logo"&gt;</c>.</summary>
public sealed record SendAttachment
{
    /// <summary>Without a path.</summary>
    [Required, MaxLength(SendLimits.FilenameCharsMax)]
    public string? Filename { get; init; }

    /// <summary>A media type such as <c>application/pdf</c>; <c>application/octet-stream</c> where absent.</summary>
    public string? ContentType { get; init; }

    /// <summary>Base64 (RFC 4648 §4).</summary>
    [Required]
    public string? Content { get; init; }

    /// <summary>The name that the HTML calls it by, without angle brackets.</summary>
    public string? ContentId { get; init; }
}

/// <summary>The answer of <c>POST /send</c>: committed to disk.</summary>
/// <param name="Id">The message's.</param>
/// <param name="Recipients">Each distinct recipient once.</param>
public sealed record SendResponse(MessageId Id, IReadOnlyList<SendRecipient> Recipients);

/// <summary>A recipient: one envelope.</summary>
/// <param name="Id">The envelope's.</param>
/// <param name="Address">Without a display name.</param>
/// <param name="State">Always <c>queued</c> in this answer.</param>
public sealed record SendRecipient(EnvelopeId Id, string Address, EnvelopeState State);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SendRequest))]
[JsonSerializable(typeof(SendResponse))]
[JsonSerializable(typeof(MessageSummary))]
[JsonSerializable(typeof(Page<MessageSummary>))]
internal sealed partial class SendJson : JsonSerializerContext;
