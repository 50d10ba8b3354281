using MailApi.Delivery.Relays;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery;

/// <summary>
/// The ways of one attempt on an envelope: the relays that serve it, one after the other, or the one way where there is none. A relay that cannot be
/// reached, refuses the login or has had as much as it may is passed over for the next; what a relay says of the envelope itself is its last word.
/// </summary>
internal sealed class Ways
{
    private readonly Func<CancellationToken, Task<RouteResult>>? only;
    private readonly IReadOnlyList<Relay> relays = [];
    private readonly RelayAccess? access;
    private readonly Func<RouteResult, CancellationToken, Task<RouteResult>>? held;
    private readonly long since;
    private int next;
    private bool tokenRenewed;

    /// <param name="only">There is no other way.</param>
    /// <param name="access">To the configured relay, if that is the way.</param>
    public Ways(Func<CancellationToken, Task<RouteResult>> only, RelayAccess? access = null) => (this.only, this.access) = (only, access);

    /// <param name="relays">In the order in which they are tried; at least one.</param>
    /// <param name="access">To them.</param>
    /// <param name="held">Holds a way to the TLS that the message demands.</param>
    /// <param name="since">When the attempt began, on the monotonic clock.</param>
    public Ways(IReadOnlyList<Relay> relays, RelayAccess access, Func<RouteResult, CancellationToken, Task<RouteResult>> held, long since) =>
        (this.relays, this.access, this.held, this.since) = (relays, access, held, since);

    /// <summary>The next way that may be taken; when no relay can be used, when the first of those will be whose rate is spent, or why not the last.</summary>
    public async Task<RouteResult> Next(CancellationToken ct)
    {
        if (only is not null) return await only(ct);
        RouteResult way;
        RouteResult.Later? soonest = null;
        do
        {
            way = await access!.To(relays[next++], isAgain: tokenRenewed, ct);
            if (way is RouteResult.Later later && (soonest is null || later.Delay < soonest.Delay)) soonest = later;
        }
        while (way is not RouteResult.Found && next < relays.Count);
        return await held!(way is RouteResult.Found ? way : soonest ?? way, ct);
    }

    /// <summary>Whether there is another way for an envelope that got no answer on this one; <see cref="Next"/> is it.</summary>
    public async Task<bool> GoOn(Route route, TransmitResult result, CancellationToken ct)
    {
        if (access is null) return false;
        var relay = only is null ? relays[next - 1] : null;
        if (Failure(result) is not { } failure)
        {
            access.Worked(relay);
            return false;
        }
        if (relay is not null && failure.Stage == Stage.Auth && !tokenRenewed && await access.ForgetToken(relay, route, since, ct))
        {
            (tokenRenewed, next) = (true, next - 1);
            return true;
        }
        // Where the configured relay cannot be reached, its site closes.
        if (failure.Rests && (relay is not null || result is not TransmitResult.Unreachable { Stage: < Stage.StartTls }))
            access.Failed(relay, failure.Stage == Stage.Auth ? "login" : "connection", failure.Reason);
        tokenRenewed = false;
        return next < relays.Count;
    }

    /// <summary>What speaks against the relay and says nothing of the envelope; null: the attempt is over.</summary>
    private static (Stage Stage, string Reason, bool Rests)? Failure(TransmitResult result) => result switch
    {
        TransmitResult.Unreachable { Stage: < Stage.Content } unreachable => (unreachable.Stage, unreachable.Reason, true),
        // Too many connections at this moment, and the like: the next message may be welcome.
        TransmitResult.Refused { Stage: < Stage.Auth, Reply.IsTransient: true } busy => (busy.Stage, busy.Reply.ToString(), false),
        TransmitResult.Refused { Stage: <= Stage.Auth } refused => (refused.Stage, refused.Reply.ToString(), true),
        _ => null,
    };
}
