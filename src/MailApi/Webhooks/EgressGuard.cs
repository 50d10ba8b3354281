using System.Net;
using MailApi.Mail.Routing;

namespace MailApi.Webhooks;

/// <summary>Where a request may go: the addresses to connect to, or why there are none.</summary>
/// <param name="Addresses">To connect to.</param>
/// <param name="Refusal">Null where there are some.</param>
/// <param name="IsForbidden">It is refused for where it leads, and not because the DNS says nothing of it.</param>
internal sealed record Admission(IReadOnlyList<IPAddress> Addresses, string? Refusal, bool IsForbidden = false);

/// <summary>
/// Keeps requests whose target a tenant chose off our own network (server-side request forgery). A name is resolved once; if one of its
/// addresses is not of the public internet the whole answer is refused, and the connection goes to exactly the addresses that were
/// looked at, so a name that changes its answer in between gains nothing.
/// </summary>
/// <param name="resolve">Answers all addresses of a name, none if it does not exist; throws when DNS does not answer.</param>
internal sealed class EgressGuard(Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>> resolve, WebhookOptions options)
{
    public async Task<Admission> Admit(WebhookUrl url, CancellationToken ct)
    {
        if (url.Address is { } literal) return Judge([literal]);
        try
        {
            return Judge(await resolve(url.Host, ct));
        }
        // Whatever the resolver's own failure is called, to the webhook it means one thing; only our own cancellation is not a failure.
        catch (Exception failure) when (failure is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            return new Admission([], "The host name cannot be resolved now.");
        }
    }

    private Admission Judge(IReadOnlyList<IPAddress> addresses)
    {
        if (addresses.Count == 0) return new Admission([], "The host name does not resolve.");
        if (!options.AllowPrivateNetworks && !addresses.All(GlobalUnicast.Contains))
            return new Admission([], "The host name resolves to an address that is not of the public internet.", IsForbidden: true);
        return new Admission(addresses, null);
    }
}
