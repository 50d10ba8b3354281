using System.Net;
using System.Security.Authentication;
using System.Text;
using MailApi.Mail.Routing;
using MailKit.Security;

namespace MailApi.Mail.Smtp;

/// <summary>AUTH at a relay (RFC 4954), with one mechanism and one try: guessing through several of them locks accounts.</summary>
internal static class Login
{
    /// <summary>SCRAM takes three; a relay could go on for ever.</summary>
    private const int ChallengesMax = 5;

    /// <summary>Strongest first.</summary>
    private static readonly RelayAuth[] ByPassword = [RelayAuth.ScramSha256, RelayAuth.CramMd5, RelayAuth.Plain, RelayAuth.Login];

    /// <summary>The standard before what came before it.</summary>
    private static readonly RelayAuth[] ByToken = [RelayAuth.OAuthBearer, RelayAuth.XOAuth2];

    /// <summary>Null when logged in, else why not.</summary>
    public static async Task<TransmitResult?> At(Conversation conversation, RelayCredentials credentials, ConnectionKey key, Offered offered)
    {
        // Opportunistic TLS can be stripped by anyone on the way; then the password must stay here. With None the operator has said so.
        if (key.Tls == TlsPolicy.Opportunistic && conversation.Tls == SslProtocols.None) return Impossible("it offers no TLS, and the password is not sent in the clear");

        var fit = credentials.IsToken ? ByToken : ByPassword;
        if ((credentials.Auth ?? fit.Cast<RelayAuth?>().FirstOrDefault(auth => offered.Auth.Contains(Name(auth!.Value)))) is not { } chosen)
        {
            return Impossible($"it offers no AUTH mechanism that takes {(credentials.IsToken ? "an access token" : "a password")}");
        }
        if (!offered.Auth.Contains(Name(chosen))) return Impossible($"it does not offer AUTH {Name(chosen)}");

        return await Say(conversation, Mechanism(chosen, new NetworkCredential(credentials.Username, credentials.Password), key), Name(chosen)) switch
        {
            235 => null,
            >= 400 => new TransmitResult.Refused(conversation.Reply, key.Host, Stage.Auth),
            var code => throw new IOException($"it answered AUTH with {code}"),
        };

        TransmitResult Impossible(string why) => new TransmitResult.Unreachable($"the relay {key.Host} cannot be used: {why}", key.Host) { Stage = Stage.Auth };
    }

    /// <returns>The code of the reply that ends it.</returns>
    private static async Task<int> Say(Conversation conversation, SaslMechanism mechanism, string name)
    {
        var code = await conversation.Ask(mechanism.SupportsInitialResponse ? $"AUTH {name} {Answer(mechanism, null)}" : $"AUTH {name}", Stage.Auth);
        for (var challenges = 0; code == 334 && challenges < ChallengesMax; challenges++)
        {
            code = await conversation.Ask(Answer(mechanism, conversation.Lines[^1]), Stage.Auth);
        }
        // RFC 5802 §5: a relay that does not prove that it knows the password is another than the one meant.
        if (code == 235 && mechanism is SaslMechanismScramBase { IsAuthenticated: false }) throw new IOException("it did not prove that it knows the password");
        return code;
    }

    private static string Answer(SaslMechanism mechanism, string? challenge)
    {
        try
        {
            return mechanism.Challenge(challenge);
        }
        catch (Exception e) when (e is SaslException or FormatException or NotSupportedException)
        {
            throw new IOException($"it sent a challenge that is none: {e.Message}", e);
        }
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

    private static SaslMechanism Mechanism(RelayAuth auth, NetworkCredential credential, ConnectionKey key) => auth switch
    {
        RelayAuth.Plain => new SaslMechanismPlain(Encoding.UTF8, credential),
        RelayAuth.Login => new SaslMechanismLogin(Encoding.UTF8, credential),
        RelayAuth.CramMd5 => new SaslMechanismCramMd5(credential),
        RelayAuth.ScramSha256 => new SaslMechanismScramSha256(credential),
        RelayAuth.XOAuth2 => new SaslMechanismOAuth2(credential),
        RelayAuth.OAuthBearer => new OAuthBearer(credential, key),
        _ => throw new ArgumentOutOfRangeException(nameof(auth), auth, null),
    };

    /// <summary>RFC 7628 §3.1. MailKit's own takes host and port from its own client alone.</summary>
    private sealed class OAuthBearer(NetworkCredential credential, ConnectionKey key) : SaslMechanism(credential)
    {
        public override string MechanismName => "OAUTHBEARER";
        public override bool SupportsInitialResponse => true;

        /// <summary>To a challenge, which tells of an error, the answer is a lone separator (§3.2.3); the refusal follows it.</summary>
        protected override byte[] Challenge(byte[]? token, int startIndex, int length, CancellationToken cancellationToken)
        {
            if (IsAuthenticated) return [1];
            IsAuthenticated = true;
            return Encoding.UTF8.GetBytes($"n,a={Name},\u0001host={key.Host}\u0001port={key.EndPoint.Port}\u0001auth=Bearer {Credentials.Password}\u0001\u0001");
        }

        private string Name => Credentials.UserName.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);
    }
}
