using System.Text.RegularExpressions;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Shaping;

/// <summary>
/// One destination: who may go there now, who waits, who comes back later, and what its replies change about that. A door that is passed in both
/// directions: <see cref="Enter"/> before an attempt, <see cref="Left"/> after it.
/// </summary>
internal sealed partial class Site(string name, SiteProfile profile, TimeProvider time)
{
    public const int DomainsShownMax = 10;
    private const int ReasonCharsMax = 200;

    /// <summary>Between two steps down: a receiver that has had enough for some seconds must not bring its rate to the least with as many replies.</summary>
    private static readonly TimeSpan StepDownInterval = TimeSpan.FromSeconds(1);
    private const int SeatsMin = 2, SeatsMax = 64;

    /// <summary>How long an attempt is taken to last before one has ended.</summary>
    private static readonly TimeSpan FirstGuess = TimeSpan.FromMilliseconds(250);

    /// <summary>As much as this ahead is waited for: it takes about as long to come back from the line.</summary>
    private static readonly TimeSpan SeatsAhead = TimeSpan.FromMilliseconds(300);

    /// <summary>Of slots handed out to connections that come free; some are not used in time, and an empty waiting room costs more than a second return.</summary>
    private const double Overbooking = 1.25;

    private static readonly TimeSpan IntervalMax = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Nobody is sent away for longer than four times as long as the site has been watched at work: what it takes is a guess at first, and a wrong one
    /// must not keep mail away from idle connections.
    /// </summary>
    private const int Foresight = 4;
    private static readonly TimeSpan HorizonMin = TimeSpan.FromMilliseconds(250), IdleAfter = TimeSpan.FromSeconds(10);

    /// <summary>A step down makes it a guess again, since the rate may soon be another; at least as long as this, so that thousands do not ask in vain every second.</summary>
    private static readonly TimeSpan HorizonMinSlowed = TimeSpan.FromSeconds(15);

    private readonly Lock gate = new();
    private readonly long born = time.GetTimestamp();
    private readonly Pace pace = new(profile);
    private readonly RateMeter meter = new();
    private readonly Breaker breaker = new();
    private readonly WaitingRoom room = new();
    private readonly SiteLine line = new();
    private readonly List<string> domains = [];
    private int inUse, nodes = 1, timed;
    private long delivered, deferred, refused, failed;
    private TimeSpan usedAt, movedAt, busySince, slowedAt = TimeSpan.MinValue, pausedUntil, attemptTime = FirstGuess;
    private DateTimeOffset? since;
    private string? reason;
    private bool forgotten;

    /// <summary>Of a relay, as they were when it was first met.</summary>
    public RouteLimits? Limits { get; init; }

    private TimeSpan Now => time.GetElapsedTime(born);
    private int Limit => Math.Max(1, pace.Connections / nodes);
    private double? PerSecond => pace.PerSecond / nodes;
    private double CarriedPerSecond => Limit / attemptTime.TotalSeconds;

    /// <summary>Null when the site was forgotten: ask the table for another.</summary>
    /// <param name="flow">Whose mail it is.</param>
    /// <param name="domain">Where it goes.</param>
    /// <param name="nodeCount">Processes that share the site's limits.</param>
    public Admission? Enter(Flow flow, string domain, int nodeCount)
    {
        lock (gate)
        {
            if (forgotten) return null;
            var now = usedAt = Now;
            nodes = nodeCount;
            if (domains.Count < DomainsShownMax && !domains.Contains(domain)) domains.Add(domain);

            if (pausedUntil > now) return Refuse(flow, now, pausedUntil);
            if (breaker.Blocks(now) is { } until) return Refuse(flow, now, until);
            var free = inUse < Limit && room.Count == 0;
            if (!free && !room.HasSeatFor(flow, Seats)) return Refuse(flow, now, now + attemptTime / Limit);
            if (PerSecond is { } rate && !meter.TryTake(now, rate, out var freeAt)) return Refuse(flow, now, freeAt);
            if (free) return Admit(now);

            var waiter = new Waiter(flow);
            room.Sit(waiter);
            return new Admission.Waiting(waiter.Turn.Task, () => GiveUp(waiter));
        }
    }

    /// <summary>An attempt is over.</summary>
    public void Left(SiteVisit visit, TransmitResult? result)
    {
        // Some hundred rows are gone through: nobody is to stand at the door for it.
        var signal = result is TransmitResult.Refused { Host: not null } refusal ? RateSignals.Find(refusal.Reply) : null;
        lock (gate)
        {
            var now = Now;
            inUse--;
            movedAt = now;
            if (result is null) NotUsed(visit);
            else Conclude(visit, result, signal, now);

            if (pausedUntil > now || breaker.Blocks(now) is not null)
                foreach (var waiter in room.Clear()) SendAway(waiter, now);
            while (inUse < Limit && breaker.Blocks(now) is null && room.Next() is { } next) next.Turn.TrySetResult(Admit(now));
        }
    }

    /// <summary>Ends a pause, and lets one attempt decide on a closed site at once.</summary>
    public void TryNow()
    {
        lock (gate)
        {
            var now = Now;
            if (State(now) is SiteState.Paused or SiteState.Closed) line.Clear();
            if (pausedUntil > now) pausedUntil = now;
            breaker.TryNow(now);
        }
    }

    /// <summary>True when nothing is lost by forgetting it; from then on it lets nobody in.</summary>
    public bool TryForget(TimeSpan idleFor)
    {
        lock (gate)
        {
            var now = Now;
            return forgotten = inUse == 0 && room.Count == 0 && now - usedAt >= idleFor && (IsGivenUp(now) || State(now) is SiteState.Open or SiteState.Slowed);
        }
    }

    public SiteReport Report()
    {
        lock (gate)
        {
            var now = Now;
            var state = State(now);
            var until = state == SiteState.Paused ? pausedUntil : breaker.OpenUntil;
            return new SiteReport
            {
                Site = name,
                Profile = profile,
                State = state,
                Since = state == SiteState.Open ? null : since,
                Until = state is SiteState.Paused or SiteState.Closed ? At(until!.Value, now) : null,
                Reason = state == SiteState.Open ? null : reason,
                InUse = inUse,
                Connections = Limit,
                PerSecond = PerSecond,
                Domains = [.. domains],
                Delivered = delivered,
                Deferred = deferred,
                Refused = refused,
                Failed = failed,
                UsedAt = At(usedAt, now),
            };
        }
    }

    /// <summary>As many as leave while one comes back from the line.</summary>
    private int Seats => (int)Math.Clamp(Math.Ceiling(CarriedPerSecond * SeatsAhead.TotalSeconds), SeatsMin, SeatsMax);

    private Admission.Entered Admit(TimeSpan now)
    {
        if (inUse++ == 0 && now - movedAt > IdleAfter) busySince = now;
        movedAt = now;
        var terms = new ConnectionTerms { Connections = Limit, Messages = profile.MessagesPerConnection, IdleTime = profile.IdleTime };
        return new Admission.Entered(new SiteVisit(this, terms, now, breaker.Pass()));
    }

    private Admission.Refused Refuse(Flow flow, TimeSpan now, TimeSpan from)
    {
        var horizon = (now - busySince) * Foresight;
        if (pace.IsSlowed && horizon > HorizonMinSlowed)
            horizon = TimeSpan.FromTicks(Math.Max(HorizonMinSlowed.Ticks, Math.Min(horizon.Ticks, (now - slowedAt).Ticks * Foresight)));
        if (pausedUntil > now || breaker.OpenUntil is not null || horizon > SiteLine.Horizon) horizon = SiteLine.Horizon;
        var delay = line.NextSlot(flow, now, from, Interval(now), horizon > HorizonMin ? horizon : HorizonMin) - now;
        return new Admission.Refused(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(delay.TotalMilliseconds))));
    }

    /// <summary>Between two who leave: by the attempts that ended, and by how long none has ended, where all are stuck.</summary>
    private TimeSpan Interval(TimeSpan now)
    {
        var interval = attemptTime / Limit;
        if (inUse >= Limit && now - movedAt > interval) interval = now - movedAt;
        interval /= Overbooking;
        if (PerSecond is { } rate && RateMeter.Interval(rate) > interval) interval = RateMeter.Interval(rate);
        return interval < IntervalMax ? interval : IntervalMax;
    }

    private void GiveUp(Waiter waiter)
    {
        lock (gate)
            if (room.Remove(waiter)) SendAway(waiter, Now);
    }

    private void SendAway(Waiter waiter, TimeSpan now)
    {
        if (PerSecond is { } rate) meter.GiveBack(rate);
        var from = pausedUntil > now ? pausedUntil : breaker.Blocks(now) ?? now;
        waiter.Turn.TrySetResult(Refuse(waiter.Flow, now, from));
    }

    private void NotUsed(SiteVisit visit)
    {
        if (PerSecond is { } rate) meter.GiveBack(rate);
        if (visit.IsProbe) breaker.Undecided();
    }

    private void Conclude(SiteVisit visit, TransmitResult result, SignalEffect? signal, TimeSpan now)
    {
        if (result is not TransmitResult.Unreachable) Time(now - visit.EnteredAt);
        switch (result)
        {
            case TransmitResult.Accepted:
                delivered++;
                Spoke();
                pace.Succeeded();
                break;
            case TransmitResult.Refused { Host: not null } said:
                if (said.Reply.IsPermanent) refused++;
                else deferred++;
                Spoke();
                if (signal is not null) Heed(signal, said.Reply, visit, now);
                break;
            case TransmitResult.Unreachable { Stage: Stage.StartTls or Stage.Auth }:
                failed++;
                // What one domain demands of the host says nothing of mail to others there: it is not dead, and not shown to take mail either.
                if (visit.IsProbe) breaker.Undecided();
                break;
            case TransmitResult.Unreachable unreachable:
                failed++;
                // A relay with limits of its own is one of several: who chooses among them rests it.
                if (Limits is null && breaker.Failed(now, visit.IsProbe)) Because(unreachable.Reason, isNew: !visit.IsProbe);
                break;
            default:
                // Lost after the dot, or stopped by ourselves: it says nothing of the site.
                if (result is TransmitResult.Uncertain) failed++;
                if (visit.IsProbe) breaker.Undecided();
                break;
        }
    }

    /// <summary>The mean of about the last ten; a connection that failed says nothing of one that works.</summary>
    private void Time(TimeSpan attempt)
    {
        timed = Math.Min(10, timed + 1);
        attemptTime += (attempt - attemptTime) / timed;
        if (attemptTime < TimeSpan.FromMilliseconds(1)) attemptTime = TimeSpan.FromMilliseconds(1);
    }

    private void Spoke()
    {
        if (breaker.OpenUntil is not null) since = time.GetUtcNow();
        breaker.Spoke();
    }

    private void Heed(SignalEffect signal, Reply reply, SiteVisit visit, TimeSpan now)
    {
        // Attempts that began before the last step down complain of what has been changed already.
        var again = visit.EnteredAt <= slowedAt || (signal is not SignalEffect.RateOf && now < slowedAt + StepDownInterval);
        if (again && signal is not SignalEffect.Pause) return;
        Because(reply.ToString(), isNew: !pace.IsSlowed && pausedUntil <= now);
        slowedAt = now;
        switch (signal)
        {
            case SignalEffect.FewerConnections:
                pace.FewerConnections(CarriedPerSecond);
                break;
            case SignalEffect.RateOf limited:
                pace.SlowTo(limited.PerSecond, CarriedPerSecond);
                break;
            case SignalEffect.Pause pause:
                if (!again) pace.Slow(CarriedPerSecond);
                if (now + pause.Time > pausedUntil) pausedUntil = now + pause.Time;
                break;
            default:
                pace.Slow(CarriedPerSecond);
                break;
        }
    }

    private void Because(string text, bool isNew)
    {
        if (isNew || since is null) since = time.GetUtcNow();
        text = Address().Replace(text, "…");
        reason = text.Length <= ReasonCharsMax ? text : text[..(char.IsHighSurrogate(text[ReasonCharsMax - 1]) ? ReasonCharsMax - 1 : ReasonCharsMax)];
    }

    private SiteState State(TimeSpan now) =>
        pausedUntil > now ? SiteState.Paused
        : breaker.OpenUntil is not null ? SiteState.Closed
        : pace.IsSlowed ? SiteState.Slowed
        : SiteState.Open;

    /// <summary>It is dead, and whoever was sent away would have come back by now if mail still waited for it.</summary>
    private bool IsGivenUp(TimeSpan now) => State(now) is SiteState.Closed && breaker.OpenUntil is { } until && now - (usedAt > until ? usedAt : until) >= Breaker.BackOffMax;

    private DateTimeOffset At(TimeSpan instant, TimeSpan now) => time.GetUtcNow() + (instant - now);

    [GeneratedRegex(@"\S*@\S*", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Address();
}
