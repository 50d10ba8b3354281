using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Mailboxes;
using MailApi.OAuth;

namespace MailApi.Mailboxes;

/// <summary>The body of <c>PUT /domains/{id}/mailbox</c>.</summary>
internal sealed record MailboxRequest
{
    public const string FolderDefault = "INBOX";
    public const string MoveToDefault = "Processed";

    [Required, TextOf(typeof(MailboxProtocol))]
    public string? Protocol { get; init; }

    /// <summary>A name, or an address. The certificate must be valid for it.</summary>
    [Required]
    public string? Host { get; init; }

    /// <summary>By default 993 (imap) or 995 (pop3) with implicit TLS, 143 or 110 with startTls.</summary>
    [Range(1, 65535)]
    public int? Port { get; init; }

    /// <summary>How the connection is protected, by default implicit.</summary>
    [TextOf(typeof(MailboxTls))]
    public string? Tls { get; init; }

    /// <summary>By default password, or xoauth2 where there is an oauth.</summary>
    [TextOf(typeof(MailboxAuth))]
    public string? Auth { get; init; }

    [Required]
    public string? Username { get; init; }

    /// <summary>Never shown again.</summary>
    public string? Password { get; init; }

    /// <summary>In a password's place.</summary>
    [JsonPropertyName("oauth")]
    public OAuthSettings? OAuth { get; init; }

    /// <summary>Of imap, as the server names it. By default INBOX.</summary>
    public string? Folder { get; init; }

    /// <summary>What becomes of a message that was taken: move and flag keep it (with pop3 flag leaves it as it is). By default move with imap, delete with pop3.</summary>
    [TextOf(typeof(AfterTaking))]
    public string? After { get; init; }

    /// <summary>The folder for move; it is made where it does not exist. By default Processed.</summary>
    public string? MoveTo { get; init; }

    /// <summary>The mailbox that a valid request describes.</summary>
    public Mailbox ToMailbox(DomainId domain, TenantId tenant)
    {
        var protocol = EnumText.Parse<MailboxProtocol>(Protocol!);
        var tls = EnumText.TryParse<MailboxTls>(Tls, out var named) ? named : MailboxTls.Implicit;
        return new Mailbox
        {
            Domain = domain,
            Tenant = tenant,
            Protocol = protocol,
            Host = Host!.TrimEnd('.').ToLowerInvariant(),
            Port = Port ?? UsualPort(protocol, tls),
            Tls = tls,
            Auth = OAuth is null ? MailboxAuth.Password : MailboxAuth.Xoauth2,
            Username = Username!,
            Password = Password,
            OAuth = OAuth?.ToOAuth(),
            Folder = Folder ?? FolderDefault,
            After = EnumText.TryParse<AfterTaking>(After, out var after) ? after : protocol == MailboxProtocol.Imap ? AfterTaking.Move : AfterTaking.Delete,
            MoveTo = MoveTo ?? MoveToDefault,
        };
    }

    /// <summary>It holds secrets.</summary>
    public override string ToString() => nameof(MailboxRequest);

    private static int UsualPort(MailboxProtocol protocol, MailboxTls tls) => (protocol, tls) switch
    {
        (MailboxProtocol.Imap, MailboxTls.Implicit) => 993,
        (MailboxProtocol.Imap, _) => 143,
        (_, MailboxTls.Implicit) => 995,
        _ => 110,
    };
}
