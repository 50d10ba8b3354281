using MailApi.Api;
using MailApi.Domains;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Sending;

/// <summary>Who may send what as whom: the same for every way in.</summary>
internal sealed class SendRights(SendingDomains domains)
{
    /// <summary>The domain that the caller may send from in this category, or why it may not.</summary>
    /// <param name="name">Of the From mailbox, in lower-case A-labels.</param>
    public async Task<(SendingDomain? Domain, ProblemHttpResult? Refusal)> Find(Caller caller, string name, Category category, CancellationToken ct)
    {
        var domain = await domains.Find(caller.Tenant, name, ct);
        return Refuse(caller, name, domain, category) is { } refusal ? (null, refusal) : (domain, null);
    }

    /// <summary>Rights that need the store: nothing here tells a caller whether a foreign domain exists.</summary>
    private static ProblemHttpResult? Refuse(Caller caller, string name, SendingDomain? domain, Category category)
    {
        if (!caller.MaySend(category)) return Problem.ScopeMissing.With($"The key lacks the scope send or {Scopes.SendCategory(category)}.");
        if (caller.Domains is not null && !caller.Domains.Contains(name)) return Problem.DomainNotAllowed.With($"The key is bound to other domains than {name}.");
        if (domain is null) return Problem.DomainNotAllowed.With($"{name} is not a domain of this tenant. Register it with POST /domains.");
        if (domain.State == DomainState.Failing)
            return Problem.DomainNotAllowed.With($"{name} no longer has the records that it needs. GET /domains/{domain.Id} shows what is missing; mend it and POST /domains/{domain.Id}/verify.");
        if (domain.State != DomainState.Verified) return Problem.DomainNotAllowed.With($"{name} is not verified. Publish its records and POST /domains/{domain.Id}/verify.");
        return domain.Categories.Contains(category) ? null : Problem.CategoryNotAllowed.With($"{name} is not registered for {category.ToText()}. PATCH /domains/{domain.Id} to add it.");
    }
}
