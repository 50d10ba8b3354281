using FluentValidation;
using MailApi.Api;

namespace MailApi.OAuth;

internal sealed class OAuthValidator : AbstractValidator<OAuthSettings>
{
    private const int CharsMax = 1_000;
    private const int RefreshTokenCharsMax = 8_192;
    private static readonly string Google = OAuthProvider.Google.ToText();
    private static readonly string Microsoft = OAuthProvider.Microsoft.ToText();
    private static readonly string Custom = OAuthProvider.Custom.ToText();
    private static readonly string Refresh = OAuthGrant.RefreshToken.ToText();
    private static readonly string Credentials = OAuthGrant.ClientCredentials.ToText();

    public OAuthValidator(bool isPrivate)
    {
        RuleFor(oauth => oauth.Provider).Must(text => EnumText.TryParse<OAuthProvider>(text, out _)).OverridePropertyName("provider").WithMessage($"One of {Fields.Words<OAuthProvider>()}.");
        RuleFor(oauth => oauth.Grant).Must(text => EnumText.TryParse<OAuthGrant>(text, out _)).OverridePropertyName("grant").WithMessage($"One of {Fields.Words<OAuthGrant>()}.");
        RuleFor(oauth => oauth.Grant).NotEqual(Credentials).When(oauth => oauth.Provider == Google).OverridePropertyName("grant").WithMessage("Google gives tokens for mail by refreshToken alone.");
        RuleFor(oauth => oauth.TokenEndpoint).Custom((endpoint, context) =>
        {
            if (endpoint is not null && TokenEndpoint.Refusal(endpoint, isPrivate) is { } refusal) context.AddFailure("tokenEndpoint", refusal);
        });
        RuleFor(oauth => oauth.TokenEndpoint).NotNull().When(oauth => oauth.Provider == Custom).OverridePropertyName("tokenEndpoint").WithMessage("A custom provider has a token endpoint.");
        RuleFor(oauth => oauth.TokenEndpoint).Null().When(oauth => oauth.Provider == Google || oauth.Provider == Microsoft).OverridePropertyName("tokenEndpoint")
            .WithMessage("This provider's token endpoint is known; leave it out, or use the provider custom.");
        RuleFor(oauth => oauth.Directory).Must(directory => directory is { Length: > 0 and <= 100 } && directory.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.') && directory[0] != '.')
            .When(oauth => oauth.Provider == Microsoft).OverridePropertyName("directory").WithMessage("Microsoft's directory (tenant) ID is required.");
        RuleFor(oauth => oauth.Directory).Null().When(oauth => oauth.Provider != Microsoft).OverridePropertyName("directory").WithMessage("Only Microsoft has directories.");
        RuleFor(oauth => oauth.ClientId).Must(id => Fields.IsText(id, CharsMax)).OverridePropertyName("clientId").WithMessage($"1 to {CharsMax} characters are required.");
        RuleFor(oauth => oauth.ClientSecret).Must(secret => secret is null || Fields.IsText(secret, CharsMax)).OverridePropertyName("clientSecret").WithMessage($"1 to {CharsMax} characters.");
        RuleFor(oauth => oauth.ClientSecret).NotNull().When(oauth => oauth.Grant == Credentials).OverridePropertyName("clientSecret")
            .WithMessage("clientCredentials need a secret; it must be repeated when the host, tls or the token endpoint change.");
        RuleFor(oauth => oauth.RefreshToken).Must(token => token is null || Fields.IsText(token, RefreshTokenCharsMax)).OverridePropertyName("refreshToken").WithMessage($"1 to {RefreshTokenCharsMax} characters.");
        RuleFor(oauth => oauth.RefreshToken).NotNull().When(oauth => oauth.Grant == Refresh).OverridePropertyName("refreshToken")
            .WithMessage("A refresh token is required; it must be repeated when the host, tls or the token endpoint change.");
        RuleFor(oauth => oauth.RefreshToken).Null().When(oauth => oauth.Grant == Credentials).OverridePropertyName("refreshToken").WithMessage("clientCredentials have no refresh token.");
        RuleFor(oauth => oauth.Scope).Must(scope => scope is null || Fields.IsText(scope, CharsMax)).OverridePropertyName("scope").WithMessage($"1 to {CharsMax} characters.");
    }
}
