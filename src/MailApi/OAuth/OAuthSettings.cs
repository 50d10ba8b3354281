using System.ComponentModel.DataAnnotations;
using MailApi.Api;

namespace MailApi.OAuth;

/// <summary>How access tokens are had.</summary>
internal sealed record OAuthSettings
{
    [Required, TextOf(typeof(OAuthProvider))]
    public string? Provider { get; init; }

    /// <summary>Of a custom provider: https.</summary>
    public string? TokenEndpoint { get; init; }

    /// <summary>Microsoft's directory (tenant) ID.</summary>
    public string? Directory { get; init; }

    [Required, TextOf(typeof(OAuthGrant))]
    public string? Grant { get; init; }

    [Required]
    public string? ClientId { get; init; }

    /// <summary>Never shown again.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>Never shown again. A provider may replace it; the new one is kept.</summary>
    public string? RefreshToken { get; init; }

    /// <summary>By default the provider's for mail.</summary>
    public string? Scope { get; init; }

    /// <summary>Absent members stay as they are; secrets only where they are told to the same endpoint.</summary>
    public OAuthSettings Over(OAuthClient? oauth)
    {
        if (oauth is null) return this;
        var provider = Provider ?? oauth.Provider.ToText();
        var sameProvider = provider == oauth.Provider.ToText();
        var sameEndpoint = sameProvider && (TokenEndpoint ?? oauth.TokenEndpoint) == oauth.TokenEndpoint && (Directory ?? oauth.Directory) == oauth.Directory;
        var grant = Grant ?? oauth.Grant.ToText();
        var refreshes = grant == OAuthGrant.RefreshToken.ToText();
        return new OAuthSettings
        {
            Provider = provider,
            TokenEndpoint = TokenEndpoint ?? (sameProvider ? oauth.TokenEndpoint : null),
            Directory = Directory ?? (sameProvider ? oauth.Directory : null),
            Grant = grant,
            ClientId = ClientId ?? oauth.ClientId,
            ClientSecret = ClientSecret ?? (sameEndpoint ? oauth.ClientSecret : null),
            RefreshToken = RefreshToken ?? (sameEndpoint && refreshes ? oauth.RefreshToken : null),
            Scope = Scope ?? (sameProvider ? oauth.Scope : null),
        };
    }

    /// <summary>What a valid request describes.</summary>
    public OAuthClient ToOAuth() => new()
    {
        Provider = EnumText.Parse<OAuthProvider>(Provider!),
        Grant = EnumText.Parse<OAuthGrant>(Grant!),
        TokenEndpoint = TokenEndpoint,
        Directory = Directory,
        ClientId = ClientId!,
        ClientSecret = ClientSecret,
        RefreshToken = RefreshToken,
        Scope = Scope,
    };

    /// <summary>It holds secrets.</summary>
    public override string ToString() => nameof(OAuthSettings);
}

/// <summary>How access tokens are had, without the secrets.</summary>
internal sealed record OAuthView(OAuthProvider Provider, string TokenEndpoint, string? Directory, OAuthGrant Grant, string ClientId, string? Scope)
{
    public static OAuthView? Of(OAuthClient? oauth) =>
        oauth is null ? null : new OAuthView(oauth.Provider, oauth.Endpoint, oauth.Directory, oauth.Grant, oauth.ClientId, oauth.ScopeOrUsual);
}
