using System.Text.Json.Serialization;

namespace MailApi.Mail.Routing;

/// <summary>How to log in at a relay (RFC 4954).</summary>
public enum RelayAuth
{
    None,
    Plain,
    Login,
    CramMd5,
    ScramSha256,

    /// <summary>The password is an access token (Google, Microsoft).</summary>
    [JsonStringEnumMemberName("xOAuth2")]
    XOAuth2,

    /// <summary>The password is an access token (RFC 7628).</summary>
    OAuthBearer,
}

/// <summary>A relay (smart host) that takes all mail of a tenant or of the whole service.</summary>
public sealed record RelayOptions
{
    /// <summary>A name or an address.</summary>
    public required string Host { get; init; }

    /// <summary>0: 465 with <see cref="TlsPolicy.Implicit"/>, else 587.</summary>
    public int Port { get; init; }
    public TlsPolicy Tls { get; init; } = TlsPolicy.StartTls;
    public string? Username { get; init; }
    public string? Password { get; init; }

    /// <summary>The <see cref="Password"/> is an access token.</summary>
    public bool PasswordIsToken { get; init; }

    /// <summary>Null: the best mechanism for what the password is that the relay offers, when there is a <see cref="Username"/>.</summary>
    public RelayAuth? Auth { get; init; }

    public override string ToString() => $"{Host}:{Port} {Tls}";

    internal int EffectivePort => Port != 0 ? Port : Tls == TlsPolicy.Implicit ? 465 : 587;

    internal RelayCredentials? Credentials =>
        Auth == RelayAuth.None || string.IsNullOrEmpty(Username) ? null : new RelayCredentials(Username, Password ?? "", Auth) { IsToken = PasswordIsToken };
}

/// <param name="Username">The login name.</param>
/// <param name="Password">The password or access token; never printed.</param>
/// <param name="Auth">Null: the best mechanism that the relay offers.</param>
public sealed record RelayCredentials(string Username, string Password, RelayAuth? Auth)
{
    /// <summary>The password is an access token: without <see cref="Auth"/>, a mechanism that takes one is chosen.</summary>
    public bool IsToken { get; init; }

    public override string ToString() => $"{Username} ({Auth?.ToString() ?? "any mechanism"})";
}
