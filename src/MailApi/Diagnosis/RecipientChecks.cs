using System.Globalization;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Delivery.Tls;
using MailApi.Domains;
using MailApi.Mail.Preflight;
using MailApi.Mail.Routing;
using MailApi.Spool;
using MailApi.Suppressions;

namespace MailApi.Diagnosis;

/// <summary>What waits for a message on its way: suppressed recipients, domains that take no mail, the domain's rate, the operator's hold.</summary>
internal sealed class RecipientChecks(SuppressionList suppressions, Suspensions suspensions, MxRouter router, TlsPolicies tls)
{
    /// <summary>Recipients that are looked at, of at most a thousand: the answer is for a person who waits.</summary>
    private const int RecipientsMax = 50;
    private const int DomainsMax = 10;
    private const int NamedMax = 3;

    /// <summary>Domains whose demands of TLS are looked up at once, for all who ask: the look-ups are delivery's own.</summary>
    private const int DemandsMax = 20;

    private static readonly SemaphoreSlim Demands = new(DemandsMax);

    /// <summary>From here on a person should know that it takes a while.</summary>
    private static readonly TimeSpan LongWait = TimeSpan.FromMinutes(5);

    public async Task<IReadOnlyList<Check>> Run(TenantId tenant, CategoryRules rule, SendingIdentity identity, IReadOnlyList<string> recipients, string? topic, bool requireTls, CancellationToken ct)
    {
        var suppressed = Suppressed(tenant, rule, recipients, topic, ct);
        var domains = recipients.Select(recipient => recipient[(recipient.LastIndexOf('@') + 1)..]).Distinct().Take(DomainsMax).ToList();
        var routes = await Task.WhenAll(domains.Select(domain => router.Find(domain, ct)));
        var held = await Task.WhenAll(routes.Zip(domains, (route, domain) => Demand(route, domain, requireTls, ct)));
        return [await suppressed, Routes(routes), Tls(domains, routes, held), Rate(identity, recipients.Count), await Held(tenant, rule.Category, identity.Name, recipients, ct)];
    }

    private async Task<RouteResult> Demand(RouteResult route, string domain, bool requireTls, CancellationToken ct)
    {
        await Demands.WaitAsync(ct);
        try
        {
            return await tls.Apply(route, domain, requireTls, ct);
        }
        finally
        {
            Demands.Release();
        }
    }

    private async Task<Check> Suppressed(TenantId tenant, CategoryRules rule, IReadOnlyList<string> recipients, string? topic, CancellationToken ct)
    {
        var found = new List<string>();
        foreach (var recipient in recipients.Take(RecipientsMax))
            if (await suppressions.Find(tenant, recipient, rule.Category, topic, rule.SuppressedBy, ct) is { } reason) found.Add($"{recipient} ({reason.ToText()})");
        if (found.Count > 0)
            return Check.Fail("suppression", CheckGroup.Suppression, $"{Counted(found.Count, "recipient gets", "recipients get")} no mail of this category: {Listed(found)}.",
                "Leave these recipients out; if one is wrong, DELETE its entry in /suppressions.");
        return Check.Pass("suppression", CheckGroup.Suppression, recipients.Count <= RecipientsMax
            ? "No recipient is suppressed."
            : $"None of the first {RecipientsMax} recipients is suppressed; the others were not looked at.");
    }

    private static Check Routes(RouteResult[] routes)
    {
        var refused = routes.OfType<RouteResult.Refused>().Select(route => route.Reply.Text).ToList();
        if (refused.Count > 0)
            return Check.Fail("recipientDomains", CheckGroup.Suppression, $"Mail cannot reach {Counted(refused.Count, "domain", "domains")}: {Listed(refused)}.", "Look for misspelt addresses.");
        var unknown = routes.OfType<RouteResult.Temporary>().Select(route => route.Reply.Text).ToList();
        return unknown.Count > 0
            ? Check.Warn("recipientDomains", CheckGroup.Suppression, $"Not known now: {Listed(unknown)}.", "Nothing: the mail would be tried again.")
            : Check.Pass("recipientDomains", CheckGroup.Suppression, $"{Counted(routes.Length, "recipient domain has", "recipient domains have")} a mail server.");
    }

    /// <summary>What TLS the domains demand that have a mail server at all.</summary>
    private static Check Tls(List<string> domains, RouteResult[] routes, RouteResult[] held)
    {
        var refused = held.Except(routes).OfType<RouteResult.Refused>().Select(result => result.Reply.Text).ToList();
        if (refused.Count > 0) return Check.Fail("tls", CheckGroup.Suppression, $"The message would bounce: {Listed(refused)}.", "Leave out requireTls, or these recipients.");
        var broken = held.Except(routes).OfType<RouteResult.Temporary>().Select(result => result.Reply.Text).ToList();
        if (broken.Count > 0) return Check.Warn("tls", CheckGroup.Suppression, $"The mail would wait: {Listed(broken)}.", "Tell the domain's keeper.");
        var demanding = domains.Zip(held).Where(pair => pair.Second is RouteResult.Found { Route: var route } && route.Hosts.Any(host => host.Demand.IsEnforced)).Select(pair => pair.First).ToList();
        return Check.Pass("tls", CheckGroup.Suppression, demanding.Count == 0
            ? "No recipient domain demands TLS: mail travels encrypted where its server offers that."
            : $"{Counted(demanding.Count, "recipient domain demands", "recipient domains demand")} TLS, and gets mail in no other way: {Listed(demanding)}.");
    }

    private static Check Rate(SendingIdentity identity, int recipients)
    {
        var wait = TimeSpan.FromSeconds(Math.Max(0, recipients - identity.RateBurst) / identity.RatePerSecond);
        var rate = string.Create(CultureInfo.InvariantCulture, $"{identity.RatePerSecond} a second, {identity.RateBurst} at once");
        return wait < LongWait
            ? Check.Pass("rate", CheckGroup.Limits, $"{Counted(recipients, "message leaves", "messages leave")} within the rate of {identity.Name} ({rate}).")
            : Check.Warn("rate", CheckGroup.Limits, $"At the rate of {identity.Name} ({rate}) the last of {recipients} messages leaves after {wait.TotalMinutes:0} minutes.",
                "Raise the domain's rate with PATCH /domains/{id}, or send in smaller parts.");
    }

    private async Task<Check> Held(TenantId tenant, Category category, string domain, IReadOnlyList<string> recipients, CancellationToken ct)
    {
        await suspensions.Read(ct);
        var held = recipients.Any(recipient => suspensions.Holds(category, tenant, domain, recipient[(recipient.LastIndexOf('@') + 1)..]));
        return held
            ? Check.Fail("queue", CheckGroup.Limits, "The operator holds this mail back: it would be accepted and would wait.", "Ask the operator to resume it (POST /queue/resume).")
            : Check.Pass("queue", CheckGroup.Limits, "Nothing holds this mail back.");
    }

    private static string Counted(int count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");

    private static string Listed(List<string> items) =>
        string.Join(", ", items.Take(NamedMax)) + (items.Count > NamedMax ? string.Create(CultureInfo.InvariantCulture, $" and {items.Count - NamedMax} more") : "");
}
