using System.Net;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;
using MailApi.OAuth;

namespace MailApi.Delivery.Relays;

/// <summary>Of a whole relay, be it new or changed.</summary>
internal sealed class RelayValidator : AbstractValidator<RelayRequest>
{
    private const int NameCharsMax = 100;
    private const int UsernameCharsMax = 320;
    private const int PasswordCharsMax = 4_096;

    /// <summary>RFC 5321 and 8314, and what providers offer beside them for networks that close these. Behind other ports is no mail server.</summary>
    public static readonly int[] Ports = [25, 465, 587, 2465, 2525, 2587];

    /// <param name="network">What addresses and ports a relay may have.</param>
    public RelayValidator(RoutingOptions network)
    {
        var isPrivate = network.AllowPrivateNetworks;
        RuleFor(relay => relay.Name).Must(name => Fields.IsText(name, NameCharsMax)).OverridePropertyName("name").WithMessage($"A name of 1 to {NameCharsMax} characters is required.");
        RuleFor(relay => relay.Host).Must(host => Fields.IsHost(host)).OverridePropertyName("host").WithMessage("A host name or an address is required, such as smtp.example.com.");
        RuleFor(relay => relay.Host).Must(host => isPrivate || !IPAddress.TryParse(host, out var literal) || GlobalUnicast.Contains(literal)).OverridePropertyName("host")
            .WithMessage("The host is not an address of the public internet; the operator may allow others (Delivery__AllowPrivateNetworks).");
        RuleFor(relay => relay.Port).Must(port => port is null or (>= 1 and <= 65535)).OverridePropertyName("port").WithMessage("Between 1 and 65535.");
        RuleFor(relay => relay.Port).Must(port => isPrivate || port is null || Ports.Contains(port.Value)).OverridePropertyName("port")
            .WithMessage($"Mail is submitted on the ports {string.Join(", ", Ports)}.");
        RuleFor(relay => relay.Tls).Must(tls => tls is null || EnumText.TryParse<RelayTls>(tls, out _)).OverridePropertyName("tls").WithMessage($"One of {Fields.Words<RelayTls>()}.");
        RuleFor(relay => relay.Auth).Must(auth => auth is null || RelayAuthText.TryParse(auth, out _)).OverridePropertyName("auth").WithMessage($"One of {string.Join(", ", RelayAuthText.All)}.");
        RuleFor(relay => relay.Category).Must(category => category is null || EnumText.TryParse<Category>(category, out _)).OverridePropertyName("category").WithMessage($"One of {Fields.Words<Category>()}.");
        RuleFor(relay => relay.Domain).Must(domain => domain is null || DomainName.TryParse(domain, out _)).OverridePropertyName("domain").WithMessage("A domain name is required.");
        RuleFor(relay => relay.Priority).InclusiveBetween(0, RelayChange.PriorityMax).OverridePropertyName("priority").WithMessage($"Between 0 and {RelayChange.PriorityMax}.");
        RuleFor(relay => relay.Weight).InclusiveBetween(1, RelayChange.WeightMax).OverridePropertyName("weight").WithMessage($"Between 1 and {RelayChange.WeightMax}.");
        RuleFor(relay => relay.Limits!).SetValidator(new RelayLimitsValidator()).When(relay => relay.Limits is not null).OverridePropertyName("limits");
        RuleFor(relay => relay.OAuth!).SetValidator(new OAuthValidator(isPrivate)).When(relay => relay.OAuth is not null).OverridePropertyName("oauth");
        AddLoginRules(isPrivate);
    }

    private void AddLoginRules(bool isPrivate)
    {
        RuleFor(relay => relay.Username).Must(name => name is null || Fields.IsText(name, UsernameCharsMax)).OverridePropertyName("username").WithMessage($"1 to {UsernameCharsMax} characters.");
        RuleFor(relay => relay.Password).Must(password => password is null || Fields.IsText(password, PasswordCharsMax)).OverridePropertyName("password").WithMessage($"1 to {PasswordCharsMax} characters.");
        RuleFor(relay => relay.Username).NotNull().When(relay => relay.Password is not null || relay.OAuth is not null).OverridePropertyName("username").WithMessage("A login needs a user name.");
        RuleFor(relay => relay.Password).Null().When(relay => relay.OAuth is not null).OverridePropertyName("password").WithMessage("Either a password or oauth.");
        RuleFor(relay => relay.Password).NotNull().When(relay => relay.OAuth is null && NeedsPassword(relay)).OverridePropertyName("password")
            .WithMessage("This login needs a password; it must be repeated when host or tls change.");
        RuleFor(relay => relay.OAuth).NotNull().When(relay => RelayAuthText.TryParse(relay.Auth, out var auth) && RelayAuthText.TakesToken(auth)).OverridePropertyName("oauth")
            .WithMessage("This mechanism takes access tokens: say how they are had.");
        RuleFor(relay => relay.Auth).Must(auth => !RelayAuthText.TryParse(auth, out var named) || RelayAuthText.TakesToken(named)).When(relay => relay.OAuth is not null)
            .OverridePropertyName("auth").WithMessage("With oauth the mechanism is xOAuth2 or oAuthBearer, or left to the relay.");
        RuleFor(relay => relay.Auth).Must(auth => auth != RelayAuthText.ToText(RelayAuth.None)).When(relay => relay.Username is not null || relay.Password is not null)
            .OverridePropertyName("auth").WithMessage("Without a login there is neither a user name nor a password.");
        RuleFor(relay => relay.Tls).Must(tls => tls != RelayTls.None.ToText()).When(relay => !isPrivate && relay.Username is not null).OverridePropertyName("tls")
            .WithMessage("The login would travel in the clear: use startTls or implicit.");
    }

    private static bool NeedsPassword(RelayRequest relay) =>
        relay.Username is not null || (RelayAuthText.TryParse(relay.Auth, out var auth) && auth != RelayAuth.None && !RelayAuthText.TakesToken(auth));
}

internal sealed class RelayLimitsValidator : AbstractValidator<RelayLimits>
{
    public RelayLimitsValidator()
    {
        RuleFor(limits => limits.PerSecond).InclusiveBetween(RelayLimits.PerSecondMin, RelayLimits.PerSecondMax).OverridePropertyName("perSecond")
            .WithMessage($"Between {RelayLimits.PerSecondMin} and {RelayLimits.PerSecondMax} messages a second.");
        RuleFor(limits => limits.Burst).InclusiveBetween(1, RelayLimits.BurstMax).OverridePropertyName("burst").WithMessage($"Between 1 and {RelayLimits.BurstMax} messages.");
        RuleFor(limits => limits.Burst).Null().When(limits => limits.PerSecond is null).OverridePropertyName("burst").WithMessage("A burst needs perSecond.");
        RuleFor(limits => limits.Connections).InclusiveBetween(1, RelayLimits.ConnectionsMax).OverridePropertyName("connections").WithMessage($"Between 1 and {RelayLimits.ConnectionsMax}.");
        RuleFor(limits => limits.MessagesPerConnection).InclusiveBetween(1, RelayLimits.MessagesPerConnectionMax).OverridePropertyName("messagesPerConnection")
            .WithMessage($"Between 1 and {RelayLimits.MessagesPerConnectionMax}.");
    }
}
