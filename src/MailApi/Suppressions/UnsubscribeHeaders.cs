using System.Text;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>
/// The header fields of one-click unsubscription (RFC 8058 §3.1); DKIM must cover both. Where the service receives mail, an address stands
/// beside the link (RFC 2369 §3.2), after it because programs take the first that they can use.
/// </summary>
/// <param name="receivesMail">Mail to the return-path hosts comes back to this service.</param>
internal sealed class UnsubscribeHeaders(UnsubscribeToken token, bool receivesMail)
{
    /// <summary>
    /// Both fields with their CRLFs. The hosts are names in A-labels. An address cannot be broken, and beside the name or another one it would
    /// pass the 78 octets of RFC 5322 §2.1.1: each stands on a line of its own.
    /// </summary>
    public byte[] For(EnvelopeId envelope, string trackingHost, string returnPathHost)
    {
        var mailto = receivesMail ? $",\r\n <mailto:{token.Mailbox(envelope)}@{returnPathHost}>" : "";
        return Encoding.ASCII.GetBytes($"List-Unsubscribe:\r\n <https://{trackingHost}/u/{token.Create(envelope)}>{mailto}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    }
}
