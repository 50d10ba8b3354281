using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Mailboxes;
using MailApi.OAuth;

namespace MailApi.Mailboxes;

/// <summary>A mailbox as the API shows it: without its secrets.</summary>
internal sealed record MailboxView
{
    public required DomainId Domain { get; init; }

    [TextOf(typeof(MailboxProtocol))]
    public required string Protocol { get; init; }
    public required string Host { get; init; }
    public required int Port { get; init; }

    [TextOf(typeof(MailboxTls))]
    public required string Tls { get; init; }

    [TextOf(typeof(MailboxAuth))]
    public required string Auth { get; init; }
    public required string Username { get; init; }

    [JsonPropertyName("oauth")]
    public required OAuthView? OAuth { get; init; }

    /// <summary>Absent with pop3.</summary>
    public required string? Folder { get; init; }

    [TextOf(typeof(AfterTaking))]
    public required string After { get; init; }

    /// <summary>Absent where nothing is moved.</summary>
    public required string? MoveTo { get; init; }
    public required MailboxState State { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }

    public static MailboxView Of(Mailbox mailbox) => new()
    {
        Domain = mailbox.Domain,
        Protocol = mailbox.Protocol.ToText(),
        Host = mailbox.Host,
        Port = mailbox.Port,
        Tls = mailbox.Tls.ToText(),
        Auth = mailbox.Auth.ToText(),
        Username = mailbox.Username,
        OAuth = OAuthView.Of(mailbox.OAuth),
        Folder = mailbox.Protocol == MailboxProtocol.Imap ? mailbox.Folder : null,
        After = mailbox.After.ToText(),
        MoveTo = mailbox.After == AfterTaking.Move ? mailbox.MoveTo : null,
        State = mailbox.State,
        CreatedAt = mailbox.CreatedAt,
        ChangedAt = mailbox.ChangedAt,
    };
}

/// <summary>The answer of <c>POST /domains/{id}/mailbox/check</c>.</summary>
/// <param name="Ok">The mailbox can be read.</param>
/// <param name="Result">What happened, and what to do where it failed.</param>
/// <param name="Messages">Messages that wait to be looked at, or were left for people.</param>
internal sealed record MailboxCheck(bool Ok, string Result, int? Messages);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(MailboxRequest))]
[JsonSerializable(typeof(MailboxView))]
[JsonSerializable(typeof(MailboxCheck))]
internal sealed partial class MailboxJson : JsonSerializerContext;
