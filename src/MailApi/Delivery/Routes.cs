using System.Net;
using MailApi.Mail.Routing;
using MailApi.Spool;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery;

/// <summary>Where an envelope goes: the sandbox for test keys, the relay if there is one, else the receiver's MX.</summary>
internal sealed class Routes(MxRouter router, RelayOptions? relay, SandboxAddress sandbox)
{
    public async Task<RouteResult> Find(Claim claim, CancellationToken ct)
    {
        if (claim.Test) return new RouteResult.Found(Loopback(await sandbox(ct)));
        return relay is not null ? await router.Find(relay, ct) : await router.Find(claim.RecipientDomain, ct);
    }

    private static Route Loopback(IPEndPoint sandbox) => new() { Site = "sandbox", Hosts = [new RouteHost("sandbox", [sandbox.Address], sandbox.Port)], Tls = TlsPolicy.None };
}

/// <summary>Where this process's sandbox listens, once it does.</summary>
public delegate Task<IPEndPoint> SandboxAddress(CancellationToken ct);
