using System.Text;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>The header fields of one-click unsubscription (RFC 8058 §3.1); DKIM must cover both.</summary>
internal sealed class UnsubscribeHeaders(UnsubscribeToken token)
{
    /// <summary>
    /// Both fields with their CRLFs. <paramref name="trackingHost"/> is a host name in A-labels. The address cannot be broken, and beside the
    /// name it would pass the 78 octets of RFC 5322 §2.1.1: it stands on a line of its own.
    /// </summary>
    public byte[] For(EnvelopeId envelope, string trackingHost) =>
        Encoding.ASCII.GetBytes($"List-Unsubscribe:\r\n <https://{trackingHost}/u/{token.Create(envelope)}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}
