using System.Net;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Composition;

namespace MailApi.Tenants;

internal sealed class TenantRequestValidator : AbstractValidator<TenantRequest>
{
    public const int NameCharsMax = 200;

    /// <summary>A week: longer than any lifetime.</summary>
    public const int DelayedAfterSecondsMax = 604_800;
    public const int WeightMax = 100;

    public TenantRequestValidator()
    {
        RuleFor(it => it.Name).MaximumLength(NameCharsMax).Must(name => name is null || (name.Length > 0 && HeaderRules.ValueError(name) is null))
            .WithMessage("A text without control characters.");
        RuleFor(it => it.IngressRate!.PerSecond).InclusiveBetween(1, IngressRate.PerSecondMax).When(it => it.IngressRate is not null);
        RuleFor(it => it.IngressRate!.Burst).InclusiveBetween(1, IngressRate.BurstMax).When(it => it.IngressRate is not null);
        RuleFor(it => it.DelayedAfterSeconds).InclusiveBetween(1, DelayedAfterSecondsMax);
        RuleFor(it => it.Weight).InclusiveBetween(1, WeightMax);
    }
}

internal sealed class KeyRequestValidator : AbstractValidator<KeyRequest>
{
    public const int ListMax = 100;

    private static readonly string[] Grantable = [.. TenantRegistry.AllScopes, .. Enum.GetValues<Category>().Select(Scopes.SendCategory)];

    public KeyRequestValidator(TimeProvider time)
    {
        RuleFor(it => it.Name).MaximumLength(TenantRequestValidator.NameCharsMax).Must(name => name is null || HeaderRules.ValueError(name) is null)
            .WithMessage("A text without control characters.");
        RuleFor(it => it.Mode).Must(mode => EnumText.TryParse<KeyMode>(mode, out _)).WithMessage("live or test.");
        RuleFor(it => it.Scopes).Must(scopes => scopes is null || scopes.Count is > 0 and <= ListMax).WithMessage($"1 to {ListMax} scopes.");
        RuleForEach(it => it.Scopes).Must(scope => Grantable.Contains(scope)).WithMessage($"One of {string.Join(", ", Grantable)}.");
        RuleFor(it => it.Domains).Must(domains => domains is null || domains.Count is > 0 and <= ListMax).WithMessage($"1 to {ListMax} domains.");
        RuleForEach(it => it.Domains).Must(domain => DomainName.TryParse(domain, out var name) && name == domain).WithMessage("A domain in lower-case A-labels.");
        RuleFor(it => it.Networks).Must(networks => networks is null || networks.Count is > 0 and <= ListMax).WithMessage($"1 to {ListMax} networks.");
        RuleForEach(it => it.Networks).Must(network => IPNetwork.TryParse(network, out _)).WithMessage("A network such as 192.0.2.0/24.");
        RuleFor(it => it.DefaultCategory).Must(category => category is null || EnumText.TryParse<Category>(category, out _)).WithMessage("A category.");
        RuleFor(it => it.ExpiresAt).Must(at => at is null || at > time.GetUtcNow()).WithMessage("In the future.");
    }
}
