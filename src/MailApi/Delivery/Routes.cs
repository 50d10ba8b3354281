using System.Net;
using MailApi.Delivery.Relays;
using MailApi.Delivery.Tls;
using MailApi.Mail.Routing;
using MailApi.Spool;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery;

/// <summary>
/// Where an envelope goes: the sandbox for test keys, the relays that serve it if there are any, else the configured relay if there is one, else the
/// receiver's MX.
/// </summary>
internal sealed class Routes(MxRouter router, RelayDirectory relays, RelayAccess access, TlsPolicies tls, RelayOptions? configured, SandboxAddress sandbox, TimeProvider time)
{
    /// <summary>Of the resolver and the router that delivery has for itself: checks and diagnoses ask servers of anybody's choice, whose silence must not keep mail waiting for a free look-up.</summary>
    public const string LookUps = "delivery";

    public async Task<Ways> For(Claim claim, CancellationToken ct)
    {
        if (claim.Test) return new Ways(async ct => new RouteResult.Found(Loopback(await sandbox(ct))));
        var since = time.GetTimestamp();
        var serving = RelayChoice.InOrder(await relays.For(claim.Tenant, ct), claim.Domain, claim.Category, Random.Shared);
        if (serving.Count > 0) return new Ways(serving, access, Held, since);
        return configured is not null
            ? new Ways(async ct => await Held(await access.To(configured, ct), ct), access)
            : new Ways(async ct => await Held(await router.Find(claim.RecipientDomain, ct), ct));

        Task<RouteResult> Held(RouteResult found, CancellationToken ct) => tls.Apply(found, claim.RecipientDomain, claim.RequireTls, ct);
    }

    private static Route Loopback(IPEndPoint sandbox) => new() { Site = "sandbox", Hosts = [new RouteHost("sandbox", [sandbox.Address], sandbox.Port)], Tls = TlsPolicy.None };
}

/// <summary>Where this process's sandbox listens, once it does.</summary>
public delegate Task<IPEndPoint> SandboxAddress(CancellationToken ct);
