using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.OAuth;

/// <summary>Who issues access tokens.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<OAuthProvider>))]
internal enum OAuthProvider
{
    /// <summary>Gmail and Google Workspace, with a refresh token.</summary>
    Google,

    /// <summary>Exchange Online, with client credentials or a refresh token.</summary>
    Microsoft,

    /// <summary>Any other token endpoint.</summary>
    Custom,
}

/// <summary>What an access token is asked for with.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<OAuthGrant>))]
internal enum OAuthGrant
{
    /// <summary>RFC 6749 §4.4.</summary>
    ClientCredentials,

    /// <summary>RFC 6749 §6.</summary>
    RefreshToken,
}

/// <summary>How the access tokens of a relay or a mailbox are had (RFC 6749).</summary>
internal sealed record OAuthClient
{
    public required OAuthProvider Provider { get; init; }
    public required OAuthGrant Grant { get; init; }

    /// <summary>Of a <see cref="OAuthProvider.Custom"/> provider.</summary>
    public string? TokenEndpoint { get; init; }

    /// <summary>Microsoft's "directory (tenant) ID", or a domain of it.</summary>
    public string? Directory { get; init; }
    public required string ClientId { get; init; }
    public string? ClientSecret { get; init; }

    /// <summary>As last read; a provider may have given another since.</summary>
    public string? RefreshToken { get; init; }

    /// <summary>Null: the provider's usual one.</summary>
    public string? Scope { get; init; }

    public string Endpoint => Provider switch
    {
        OAuthProvider.Google => "https://oauth2.googleapis.com/token",
        OAuthProvider.Microsoft => $"https://login.microsoftonline.com/{Directory}/oauth2/v2.0/token",
        _ => TokenEndpoint!,
    };

    /// <summary>What is sent as scope, if anything: a refresh without one asks for what was granted (RFC 6749 §6).</summary>
    public string? ScopeOrUsual => Scope ?? (Provider == OAuthProvider.Microsoft && Grant == OAuthGrant.ClientCredentials ? "https://outlook.office365.com/.default" : null);

    /// <summary>Its secrets are printed nowhere.</summary>
    public override string ToString() => $"{Provider} {Grant}";
}
