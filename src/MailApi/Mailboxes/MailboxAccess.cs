using System.Security.Cryptography.X509Certificates;
using MailApi.Mail.Mailboxes;
using MailApi.Mail.Routing;
using MailApi.OAuth;

namespace MailApi.Mailboxes;

/// <summary>Opens a domain's mailbox: an address that may be connected to, an access token where one is needed, a session.</summary>
internal sealed class MailboxAccess(MxRouter router, OAuthTokens<Mailbox> tokens, TimeProvider time)
{
    /// <summary>Certificate authorities trusted in place of the system's; null: the system's.</summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>Connected and logged in, with its folder open.</summary>
    /// <exception cref="MailboxException">Says why not, and what to do.</exception>
    public async Task<IMailbox> Open(Mailbox mailbox, CancellationToken ct)
    {
        var addresses = await router.Addresses(mailbox.Host, ct);
        if (addresses is null) throw new MailboxException($"The host {mailbox.Host} has no address now. Look for a misspelt name, or for a fault of its DNS.");
        if (addresses.Count == 0) throw new MailboxException(MailboxValidator.PrivateHost);
        var token = mailbox.OAuth is null ? null : await tokens.Get(mailbox, ct);
        if (token is { Refusal: { } refusal }) throw new MailboxException(refusal);
        try
        {
            return await MailboxSession.Open(mailbox.Options(addresses, token?.Token ?? mailbox.Password!) with { TrustedRoots = TrustedRoots }, time, ct);
        }
        catch (MailboxException refused) when (refused.IsLogin && token is not null)
        {
            // It may have been revoked before its time: the next login has another.
            tokens.Forget(mailbox, token.Token!);
            throw;
        }
    }

    /// <summary>The host has addresses, and none of them may be connected to.</summary>
    public async Task<bool> IsHidden(Mailbox mailbox, CancellationToken ct) => await router.Addresses(mailbox.Host, ct) is { Count: 0 };
}
