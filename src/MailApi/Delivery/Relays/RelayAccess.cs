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

    /// <summary>In the place of the id of the relay that the service was configured with.</summary>
    private static readonly RelayId Configured = new(Guid.Empty);

    /// <summary>The way through the configured relay: <see cref="RouteResult.Temporary"/> while it rests.</summary>
    public async Task<RouteResult> To(RelayOptions configured, CancellationToken ct) =>
        rests.Blocks(Configured, default) is { } resting ? Over(configured.Host, $"rests: {resting}") : await router.Find(configured, ct);

    /// <summary>The way through the relay: <see cref="RouteResult.Temporary"/> when it is to be passed over, <see cref="RouteResult.Later"/> when its rate is spent.</summary>
    /// <param name="relay">Which.</param>
    /// <param name="isAgain">By the same attempt, with another token: it may go on.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<RouteResult> To(Relay relay, bool isAgain, CancellationToken ct)
    {
        if (!isAgain && rests.Blocks(relay.Id, relay.ChangedAt) is { } resting) return Over(relay.Name, $"rests: {resting}");
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

    /// <summary>It rests, and is passed over meanwhile.</summary>
    /// <param name="relay">Null: the configured one.</param>
    /// <param name="step">What failed.</param>
    /// <param name="reason">Shown with the mail.</param>
    public RouteResult Failed(Relay? relay, string step, string reason)
    {
        var id = relay?.Id ?? Configured;
        rests.Failed(id, relay?.ChangedAt ?? default, reason);
        Failures.Add(1, new KeyValuePair<string, object?>("step", step));
        LogFailed(relay is null ? "The configured relay" : id.ToString(), step);
        return Over(relay?.Name ?? "of the service", reason);
    }

    /// <summary>It took the login.</summary>
    /// <param name="relay">Null: the configured one.</param>
    public void Worked(Relay? relay) => rests.Worked(relay?.Id ?? Configured);

    private static RouteResult.Temporary Over(string name, string reason) => new(new Reply(451, "4.4.1", Reply.From(0, $"the relay {name} cannot be used: {reason}").Text));

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
    private partial void LogFailed(string relay, string step);
}
