using System.Diagnostics.Metrics;
using MailApi.Api;
using MailApi.Limits;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using MailApi.OAuth;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery.Relays;

/// <summary>Makes a relay a way for one attempt, and remembers which of them fail.</summary>
internal sealed partial class RelayAccess(
    [FromKeyedServices(Routes.LookUps)] MxRouter router, OAuthTokens<Relay> tokens, RelayRests rests, ISendLimiter limiter, ILogger<RelayAccess> log)
{
    private static readonly Counter<long> Failures = new Meter(DeliveryMetrics.Name).CreateCounter<long>(
        "mailapi.relay.failures", description: "Relays passed over because they could not be reached, refused the login or had no access token.");

    /// <summary>The way through the relay: <see cref="RouteResult.Temporary"/> when it is to be passed over, <see cref="RouteResult.Later"/> when its rate is spent.</summary>
    public async Task<RouteResult> To(Relay relay, CancellationToken ct)
    {
        if (rests.ReasonFor(relay) is { } resting) return Over(relay, $"rests for {RelayRests.RestTime.TotalSeconds:0} s: {resting}");
        var token = relay.OAuth is null ? null : await tokens.Get(relay, ct);
        if (token is { Refusal: { } refusal }) return Failed(relay, "token", refusal);
        if (await router.Find(relay.Options(token?.Token), ct) is not RouteResult.Found found) return Failed(relay, "address", $"{relay.Host} has no address that may be connected to now");
        if (Rate(relay) is { } rate && await limiter.Take(rate, ct) is Permit.Refused spent) return new RouteResult.Later(spent.Delay);
        return new RouteResult.Found(Limited(found.Route, relay));
    }

    /// <summary>The relay's token was older than <paramref name="since"/> when it was refused: another is asked for the next time.</summary>
    public async Task<bool> ForgetToken(Relay relay, Route route, long since, CancellationToken ct)
    {
        if (relay.OAuth is null || route.Credentials is not { } said) return false;
        var token = await tokens.Get(relay, ct);
        // Someone else has been given another in the meantime.
        if (token.Token != said.Password) return true;
        if (token.AskedAt >= since) return false;
        tokens.Forget(relay, said.Password);
        return true;
    }

    /// <summary>Passed over for <see cref="RelayRests.RestTime"/>.</summary>
    public RouteResult Failed(Relay relay, string step, string reason)
    {
        rests.Rest(relay, reason);
        Failures.Add(1, new KeyValuePair<string, object?>("step", step));
        LogFailed(relay.Id, step);
        return Over(relay, reason);
    }

    private static RouteResult.Temporary Over(Relay relay, string reason) => new(new Reply(451, "4.4.1", Reply.From(0, $"the relay {relay.Name} cannot be used: {reason}").Text));

    /// <summary>The budget is the relay's own, whoever sends through it: it stands under the relay's id in a tenant's place.</summary>
    private static SendPermitRequest? Rate(Relay relay) => relay.Limits.PerSecond is { } perSecond
        ? new SendPermitRequest(new TenantId(relay.Id.Value), [new Bucket($"relay:{relay.Id}", perSecond, relay.Limits.BurstOrDefault)])
        : null;

    private static Route Limited(Route route, Relay relay) => route with
    {
        Site = $"relay:{relay.Id}",
        Limits = new RouteLimits { Connections = relay.Limits.Connections, MessagesPerConnection = relay.Limits.MessagesPerConnection, PerSecond = relay.Limits.PerSecond },
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Relay} is passed over: {Step} failed")]
    private partial void LogFailed(RelayId relay, string step);
}
