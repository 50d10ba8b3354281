using System.Net;
using System.Text;
using MailApi.Mail.Routing;
using MailKit.Net.Smtp;
using MailKit.Security;

namespace MailApi.Mail.Smtp;

/// <summary>AUTH at a relay (RFC 4954), with one mechanism and one try: guessing through several of them locks accounts.</summary>
internal static class Login
{
    /// <summary>Strongest first.</summary>
    private static readonly RelayAuth[] ByPassword = [RelayAuth.ScramSha256, RelayAuth.CramMd5, RelayAuth.Plain, RelayAuth.Login];

    /// <summary>Null when logged in, else why no login was tried. A refused login throws, as MailKit has it.</summary>
    public static async Task<TransmitResult?> At(SmtpClient client, RelayCredentials credentials, ConnectionKey key, CancellationToken ct)
    {
        // Opportunistic TLS can be stripped by anyone on the way; then the password must stay here. With None the operator has said so.
        if (key.Tls == TlsPolicy.Opportunistic && !client.IsSecure) return Impossible("it offers no TLS, and the password is not sent in the clear");

        var offered = client.AuthenticationMechanisms.ToHashSet(StringComparer.OrdinalIgnoreCase);
        if ((credentials.Auth ?? ByPassword.Cast<RelayAuth?>().FirstOrDefault(auth => offered.Contains(Name(auth!.Value)))) is not { } chosen)
        {
            return Impossible("it offers no AUTH mechanism that takes a password");
        }
        if (!offered.Contains(Name(chosen))) return Impossible($"it does not offer AUTH {Name(chosen)}");

        await client.AuthenticateAsync(Mechanism(chosen, new NetworkCredential(credentials.Username, credentials.Password)), ct);
        return null;

        TransmitResult Impossible(string why) => new TransmitResult.Unreachable($"the relay {key.Host} cannot be used: {why}", key.Host);
    }

    private static string Name(RelayAuth auth) => auth switch
    {
        RelayAuth.Plain => "PLAIN",
        RelayAuth.Login => "LOGIN",
        RelayAuth.CramMd5 => "CRAM-MD5",
        RelayAuth.ScramSha256 => "SCRAM-SHA-256",
        RelayAuth.XOAuth2 => "XOAUTH2",
        RelayAuth.OAuthBearer => "OAUTHBEARER",
        _ => throw new ArgumentOutOfRangeException(nameof(auth), auth, null),
    };

    private static SaslMechanism Mechanism(RelayAuth auth, NetworkCredential credential) => auth switch
    {
        RelayAuth.Plain => new SaslMechanismPlain(Encoding.UTF8, credential),
        RelayAuth.Login => new SaslMechanismLogin(Encoding.UTF8, credential),
        RelayAuth.CramMd5 => new SaslMechanismCramMd5(credential),
        RelayAuth.ScramSha256 => new SaslMechanismScramSha256(credential),
        RelayAuth.XOAuth2 => new SaslMechanismOAuth2(credential),
        RelayAuth.OAuthBearer => new SaslMechanismOAuthBearer(credential),
        _ => throw new ArgumentOutOfRangeException(nameof(auth), auth, null),
    };
}
