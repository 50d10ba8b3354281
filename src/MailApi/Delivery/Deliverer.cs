using System.Collections.Frozen;
using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using MailApi.Api;
using MailApi.Delivery.Egress;
using MailApi.Domains;
using MailApi.Events;
using MailApi.Limits;
using MailApi.Mail;
using MailApi.Mail.Bounces;
using MailApi.Mail.Routing;
using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using MailApi.Spool;
using MailApi.Suppressions;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery;

/// <summary>
/// Takes an envelope from its doorbell to its outcome. Each step is a value-returning call; nothing throws for control flow:
/// <code>
/// Deliver      a doorbell's envelopes, as slots become free
///   Claim      take the lease; of many doorbells one wins
///   Attempt    expired? suppressed? → route → source address → site → permit? → sign → transmit
///   Record     outcome, state, event, webhooks: one transaction, retried while the lease lasts
/// </code>
/// No transaction is open while a byte crosses the network.
/// </summary>
internal sealed partial class Deliverer(
    Claims claims, Records records, Ringer ringer, Suspensions suspensions, ISendLimiter limiter, SendingDomains domains, MailSigner signer,
    Routes routes, SiteDomains siteDomains, Departures departures, SiteGate sites, Transmitter transmitter, DeliverySlots slots, Stopping stopping, FrozenDictionary<Category, CategoryRules> rules, TimeProvider time, ILogger<Deliverer> log)
{
    /// <summary>Patience for the reply to the final dot (RFC 5321 §4.5.3.2.6), which the lease must cover.</summary>
    public static readonly TimeSpan FinalDotWait = TimeSpan.FromMinutes(10);

    /// <summary>Between tries to record an outcome, or to give back a claim, while the store is away.</summary>
    private static readonly TimeSpan RecordAgain = TimeSpan.FromSeconds(1);

    /// <summary>When mail that was suspended while it was rung is looked at again.</summary>
    private static readonly TimeSpan SuspendedAgain = TimeSpan.FromSeconds(5);

    /// <summary>The same for a suspended relay, whose mail the sweep cannot tell from other mail and rings again each time.</summary>
    private static readonly TimeSpan RelaySuspendedAgain = TimeSpan.FromMinutes(1);

    /// <summary>A conversation that takes longer gives its slot back.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(2);

    /// <summary>Delivers what a doorbell names; when this returns, the doorbell has done its work: each envelope has its outcome, or waits for nothing but its receiver.</summary>
    public Task Deliver(Category category, Doorbell doorbell) => Task.WhenAll(doorbell.Envelopes.Select(entry => Deliver(category, entry)));

    /// <summary>A doorbell that cannot be answered now is given back: its envelope stays rung, and the sweep rings again.</summary>
    private async Task Deliver(Category category, DoorbellEntry entry)
    {
        if (await slots.Take(category, entry.Tenant) is { } slot) await slots.Work(slot, taken => Deliver(entry, taken));
        else await ringer.MakeDue([entry], Ringer.Pause, CancellationToken.None);
    }

    private async Task Deliver(DoorbellEntry entry, DeliverySlots.Slot slot)
    {
        if (!claims.Begin(entry)) return;
        try
        {
            CrashPoint.Pass("before-claim");
            if (await Claim(entry) is { } claim) await Deliver(claim, slot);
        }
        finally
        {
            claims.End(entry);
        }
    }

    /// <summary>Null as well when the store did not answer: what it may have granted is given back, as soon as it is there.</summary>
    private async Task<Claim?> Claim(DoorbellEntry entry)
    {
        try
        {
            return await claims.Claim(entry, CancellationToken.None);
        }
        catch (DbException e)
        {
            LogNotClaimed(entry.Id, e.Message);
        }
        do
        {
            try
            {
                await claims.GiveBack(entry, CancellationToken.None);
                return null;
            }
            catch (DbException e)
            {
                LogNotClaimed(entry.Id, e.Message);
                await Task.Delay(RecordAgain, time);
            }
        }
        while (!stopping.Token.IsCancellationRequested);
        return null;
    }

    private async Task Deliver(Claim claim, DeliverySlots.Slot slot)
    {
        CrashPoint.Pass("after-claim");
        using var activity = DeliveryMetrics.Start(claim);
        var started = time.GetTimestamp();
        var outcome = await Attempt(claim, slot);
        if (outcome is Outcome.Throttled throttled) outcome = throttled with { TellDelayed = IsLate(claim, rules[claim.Category], throttled.Delay) };
        CrashPoint.Pass("before-record");
        await Record(claim, outcome);
        CrashPoint.Pass("after-record");
        DeliveryMetrics.Count(claim, outcome, time.GetElapsedTime(started));
    }

    private async Task<Outcome> Attempt(Claim claim, DeliverySlots.Slot slot)
    {
        var rule = rules[claim.Category];
        try
        {
            if (claim.Expired) return new Outcome.Expired(claim.LastReply is { } last ? BounceTable.Classify(last, atRecipient: false) : null);
            if (suspensions.Holds(claim.Category, claim.Tenant, claim.Domain, claim.RecipientDomain)) return new Outcome.Throttled(SuspendedAgain);
            if (Suppression(claim, rule) is { } reason) return new Outcome.Suppressed(reason.ToText());
            if (await domains.Identity(claim.DomainId, stopping.Token) is not { } identity)
                return new Outcome.Failed($"The sending domain {claim.Domain} was removed.");
            if (identity.Signers.Count == 0) return Deferred(claim, rule, reply: null, $"No DKIM key of {claim.Domain} is published: its mail waits rather than leave unsigned.");

            return await Send(claim, rule, identity, slot);
        }
        catch (OperationCanceledException) when (stopping.Token.IsCancellationRequested)
        {
            return new Outcome.Released();
        }
        catch (Exception e) when (e is not DbException)
        {
            // A defect, or data that no longer fits the code: it must neither loop fast nor be lost.
            LogDefect(e, claim.Envelope);
            return Deferred(claim, rule, reply: null, "The service failed: " + e.GetType().Name);
        }
        catch (DbException e)
        {
            LogStoreAway(e.Message);
            return new Outcome.Released();
        }
    }

    private static SuppressionReason? Suppression(Claim claim, CategoryRules rule) => SuppressionList.Holding(
        claim.Suppressions.Select(entry => (EnumText.Parse<SuppressionReason>(entry.Reason), entry.Category is not null)), rule.SuppressedBy);

    private async Task<Outcome> Send(Claim claim, CategoryRules rule, SendingIdentity identity, DeliverySlots.Slot slot)
    {
        if (claim.Content is not null) return await Send(claim, claim.Content, rule, identity, slot);
        return await slot.TakeLarge() ? await Send(claim, await claims.LargeContent(claim, stopping.Token), rule, identity, slot) : new Outcome.Released();
    }

    /// <summary>Along one way after the other, until one leads to a word on the envelope itself.</summary>
    private async Task<Outcome> Send(Claim claim, byte[] composed, CategoryRules rule, SendingIdentity identity, DeliverySlots.Slot slot)
    {
        var ways = await routes.For(claim, stopping.Token);
        Outcome? failed = null;
        while (true)
        {
            if (await ways.Next(stopping.Token) is var way && way is not RouteResult.Found) return failed ?? Impassable(claim, rule, way);
            var route = ((RouteResult.Found)way).Route;
            var (outcome, result) = await Depart(claim, composed, rule, identity, route, isPermitted: failed is not null, slot);
            if (result is null || !await ways.GoOn(route, result, stopping.Token)) return outcome;
            failed = outcome;
        }
    }

    private static Outcome Impassable(Claim claim, CategoryRules rule, RouteResult way) => way switch
    {
        RouteResult.Later later => new Outcome.Throttled(later.Delay),
        RouteResult.Refused refusal => new Outcome.Bounced(ToEventReply(refusal.Reply, null), BounceTable.Classify(refusal.Reply, atRecipient: true)),
        RouteResult.Temporary temporary => Deferred(claim, rule, ToEventReply(temporary.Reply, null), reason: null) with { Verdict = BounceTable.Classify(temporary.Reply, atRecipient: true) },
        _ => throw new UnreachableException(),
    };

    /// <summary>From an address that may send to the site today.</summary>
    private async Task<(Outcome Outcome, TransmitResult? Result)> Depart(
        Claim claim, byte[] composed, CategoryRules rule, SendingIdentity identity, Route route, bool isPermitted, DeliverySlots.Slot slot)
    {
        if (!claim.Test) siteDomains.Note(claim.RecipientDomain, route);
        if (suspensions.HoldsSite(route.Site)) return (new Outcome.Throttled(SiteDomains.Learns(route) ? SuspendedAgain : RelaySuspendedAgain), null);
        var departure = departures.For(claim, route);
        if (departure is Departure.Later later) return (new Outcome.Throttled(later.Delay), null);
        if (departure is Departure.Nowhere nowhere) return (Deferred(claim, rule, reply: null, nowhere.Reason), null);

        var from = (Departure.From)departure;
        TransmitResult? result = null;
        try
        {
            (var outcome, result) = await Visit(claim, composed, rule, identity, from.Route, isPermitted, slot);
            return (outcome, result);
        }
        finally
        {
            departures.Settle(from, result);
        }
    }

    /// <summary>The site first: mail that it does not take now must cost no permit that mail to others could have.</summary>
    private async Task<(Outcome Outcome, TransmitResult? Result)> Visit(
        Claim claim, byte[] composed, CategoryRules rule, SendingIdentity identity, Route route, bool isPermitted, DeliverySlots.Slot slot)
    {
        var (visit, delay) = await sites.Enter(claim, route, slot, stopping.Token);
        if (visit is null) return (new Outcome.Throttled(delay), null);

        TransmitResult? result = null;
        try
        {
            if (!isPermitted && await limiter.Take(SendPermits.For(claim, identity), stopping.Token) is Permit.Refused refused) return (new Outcome.Throttled(refused.Delay), null);
            CrashPoint.Pass("after-permit");
            var content = signer.Sign(composed, claim.Envelope, identity, rule);
            result = await Transmit(claim, identity, content, route, visit, slot);
            return (ToOutcome(claim, rule, result), result);
        }
        finally
        {
            visit.Leave(result);
        }
    }

    private async Task<TransmitResult> Transmit(
        Claim claim, SendingIdentity identity, IReadOnlyList<ReadOnlyMemory<byte>> content, Route route, SiteVisit visit, DeliverySlots.Slot slot)
    {
        var sending = transmitter.Transmit(route, visit.Terms, new Transmission
        {
            MailFrom = signer.ReturnPath(claim.Envelope, identity),
            Recipient = claim.Recipient,
            EnvelopeId = claim.Envelope.ToString(),
            Content = content,
            NeedsSmtpUtf8 = claim.NeedsSmtpUtf8,
            EightBit = claim.NeedsSmtpUtf8,
            DotGate = ct => claims.MayFinish(claim, FinalDotWait, ct),
        }, stopping.Token);
        try
        {
            return await sending.WaitAsync(Slow, time);
        }
        catch (TimeoutException)
        {
            slot.TrySetAside(claim.Size);
            return await sending;
        }
    }

    private static Outcome ToOutcome(Claim claim, CategoryRules rule, TransmitResult result) =>
        result switch
        {
            TransmitResult.Accepted accepted => new Outcome.Delivered(ToEventReply(accepted.Reply, accepted.Host)),
            TransmitResult.Refused refused => Refused(claim, rule, refused),
            TransmitResult.Unreachable unreachable => Deferred(claim, rule, reply: null, unreachable.Reason),
            TransmitResult.Uncertain uncertain when claim.OnUncertain == OnUncertain.Hold => new Outcome.Unknown(uncertain.Reason),
            TransmitResult.Uncertain uncertain => Deferred(claim, rule, reply: null, uncertain.Reason, uncertain: true),
            TransmitResult.GateClosed => new Outcome.Released(),
            _ => throw new UnreachableException(),
        };

    private async Task Record(Claim claim, Outcome outcome)
    {
        var spoken = time.GetTimestamp();
        while (true)
        {
            try
            {
                if (!await records.Record(claim, outcome)) LogFenced(claim.Envelope, outcome.GetType().Name);
                return;
            }
            catch (Exception e) when (e is not ChannelClosedException)
            {
                // The receiver has spoken: forgetting it would send the mail twice, whatever failed. The fence keeps it off an envelope that is another's by now.
                LogNotRecorded(claim.Envelope, e.Message);
                if (time.GetElapsedTime(spoken) > FinalDotWait) return;
                await Task.Delay(RecordAgain, time);
            }
        }
    }

    /// <summary>A host that refuses before MAIL refuses us and not the envelope; a limit that was reached is over after a while, whatever its code says.</summary>
    [SuppressMessage("Performance", "CA1859:Use concrete types when possible for improved performance", Justification = "It answers one of two.")]
    private static Outcome Refused(Claim claim, CategoryRules rule, TransmitResult.Refused refused)
    {
        var verdict = BounceTable.Classify(refused.Reply, refused.Stage == Stage.RcptTo);
        var reply = ToEventReply(refused.Reply, refused.Host);
        if (refused.Reply.IsPermanent && !verdict.IsRateSignal && refused.Stage >= Stage.MailFrom) return new Outcome.Bounced(reply, verdict);
        return Deferred(claim, rule, reply, reason: null) with { Verdict = verdict };
    }

    private static Outcome.Deferred Deferred(Claim claim, CategoryRules rule, EventReply? reply, string? reason, bool uncertain = false)
    {
        var wait = rule.RetryAfter(claim.Tries);
        return new Outcome.Deferred(reply, reason, wait, uncertain, TellDelayed: IsLate(claim, rule, wait));
    }

    /// <summary>By its next try it is older than its sender wants to hear of, once; scheduled mail is as old as its time to live says.</summary>
    private static bool IsLate(Claim claim, CategoryRules rule, TimeSpan wait)
    {
        var lived = rule.Lifetime - claim.Left;
        return !claim.Delayed && (lived < claim.Age ? lived : claim.Age) + wait > (claim.DelayedAfter ?? rule.DelayedAfter);
    }

    private static EventReply ToEventReply(Reply reply, string? host) => new(reply.Code, reply.Enhanced, reply.Text, host);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Envelope {Id} was rung and not claimed: {Reason}")]
    private partial void LogNotClaimed(Guid id, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The attempt on {Envelope} failed inside the service")]
    private partial void LogDefect(Exception e, EnvelopeId envelope);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away during an attempt: {Error}")]
    private partial void LogStoreAway(string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The outcome of {Envelope} is not recorded yet: {Error}")]
    private partial void LogNotRecorded(EnvelopeId envelope, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Envelope} was taken by another attempt; {Outcome} is not recorded")]
    private partial void LogFenced(EnvelopeId envelope, string outcome);
}
