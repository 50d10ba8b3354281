using MailApi.Proof.Ledgers;
using MailApi.Testing;

namespace MailApi.Proof.Checking;

/// <summary>I8: every event reaches its tenant's webhook, with a signature that holds; one id has one payload; nothing is told that did not happen.</summary>
internal static class Notices
{
    public static IEnumerable<Violation> In(Evidence evidence)
    {
        var cases = evidence.Cases.Where(one => one.Envelope is not null).ToDictionary(one => one.Envelope!.Id);
        var told = evidence.Webhooks.ToLookup(line => line.Id);
        var known = evidence.Database.Events.Select(it => $"evt_{it.Id:N}").ToHashSet();
        foreach (var it in evidence.Database.Events.Where(it => it.Envelope is not null))
        {
            var tenant = evidence.Tenants.FirstOrDefault(tenant => tenant.Id == $"ten_{it.Tenant:N}");
            if (tenant?.HookPath is null) continue;
            var lines = told[$"evt_{it.Id:N}"].ToList();
            var one = cases.GetValueOrDefault(it.Envelope!.Value);
            if (!lines.Any(line => line.Status is >= 200 and < 300 && line.Path == tenant.HookPath)) yield return new Violation("I8", $"Nobody was told of evt_{it.Id:N}, {it.Type}.", one);
            if (lines.Exists(line => line.Path != tenant.HookPath)) yield return new Violation("I8", $"Another tenant was told of evt_{it.Id:N}.", one);
            if (lines.Select(line => line.Body).Distinct().Count() > 1) yield return new Violation("I8", $"evt_{it.Id:N} was told in different words.", one);
        }
        foreach (var line in evidence.Webhooks)
        {
            if (!known.Contains(line.Id)) yield return new Violation("I8", $"{line.Id} was told, and did not happen: {line.Body}", null);
            if (evidence.Tenants.FirstOrDefault(tenant => tenant.HookPath == line.Path) is { } tenant && line.SignatureError(tenant.HookSecret) is { } error)
                yield return new Violation("I8", $"{line.Id}: {error}", null);
        }
    }
}
