using System.Net;
using MailApi.Api;
using MailApi.Mail.Mailboxes;
using MailApi.OAuth;

namespace MailApi.Mailboxes;

/// <summary>Where the answers to a sending domain's mail arrive, elsewhere than here. A domain has one at most.</summary>
internal sealed record Mailbox : IOAuthLogin
{
    public required DomainId Domain { get; init; }

    Guid IOAuthLogin.Key => Domain.Value;

    string IOAuthLogin.Name => $"the mailbox of {Domain}";
    public required TenantId Tenant { get; init; }
    public required MailboxProtocol Protocol { get; init; }

    /// <summary>A name in lower case, or an address.</summary>
    public required string Host { get; init; }
    public required int Port { get; init; }
    public required MailboxTls Tls { get; init; }
    public required MailboxAuth Auth { get; init; }
    public required string Username { get; init; }
    public string? Password { get; init; }
    public OAuthClient? OAuth { get; init; }
    public required string Folder { get; init; }
    public required AfterTaking After { get; init; }
    public required string MoveTo { get; init; }

    /// <summary>Grows with every change of the settings.</summary>
    public int Revision { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset ChangedAt { get; init; }
    public MailboxState State { get; init; } = new(null, null, null, 0);

    /// <param name="addresses">Of its host.</param>
    /// <param name="secret">The password, or an access token.</param>
    public MailboxOptions Options(IReadOnlyList<IPAddress> addresses, string secret) => new()
    {
        Protocol = Protocol,
        Host = Host,
        Addresses = addresses,
        Port = Port,
        Tls = Tls,
        Auth = Auth,
        Username = Username,
        Secret = secret,
        Folder = Folder,
        After = After,
        MoveTo = MoveTo,
    };

    /// <summary>Its secrets are printed nowhere.</summary>
    public override string ToString() => $"the mailbox of {Domain}";
}

/// <summary>How the reading of a mailbox goes.</summary>
/// <param name="LastConnectedAt">When it was last connected to and looked through.</param>
/// <param name="LastError">What has kept it from being read since then, and what to do; absent while all is well.</param>
/// <param name="LastErrorAt">When that was last so.</param>
/// <param name="Processed">Messages that were taken since the mailbox was first named.</param>
internal sealed record MailboxState(DateTimeOffset? LastConnectedAt, string? LastError, DateTimeOffset? LastErrorAt, long Processed);
