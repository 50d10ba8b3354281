using System.Collections.Frozen;
using System.Data.Common;
using System.Diagnostics;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Events;
using MailApi.Limits;
using MailApi.Mail.Bounces;
using MailApi.Mail.Routing;
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
///   Attempt    expired? suppressed? permit? → sign → route → transmit
///   Record     outcome, state, event, webhooks: one transaction, retried while the lease lasts
/// </code>
/// No transaction is open while a byte crosses the network.
/// </summary>
internal sealed partial class Deliverer(
    Claims claims, Records records, Ringer ringer, Suspensions suspensions, SuppressionList suppressions, ISendLimiter limiter, SendingDomains domains, MailSigner signer,
    Routes routes, Transmitter transmitter, Stopping stopping, FrozenDictionary<Category, CategoryRules> rules, TimeProvider time, ILogger<Deliverer> log)
{
    /// <summary>Patience for the reply to the final dot (RFC 5321 §4.5.3.2.6), which the lease must cover.</summary>
    public static readonly TimeSpan FinalDotWait = TimeSpan.FromMinutes(10);

    /// <summary>Between tries to record an outcome while the store is away.</summary>
    private static readonly TimeSpan RecordAgain = TimeSpan.FromSeconds(1);

    /// <summary>When mail that was suspended while it was rung is looked at again.</summary>
    private static readonly TimeSpan SuspendedAgain = TimeSpan.FromSeconds(5);

    private readonly FrozenDictionary<Category, SemaphoreSlim> slots =
        rules.ToFrozenDictionary(rule => rule.Key, rule => new SemaphoreSlim(rule.Value.ConcurrentDeliveries));

    /// <summary>Delivers what a doorbell names; when this returns, the doorbell has done its work.</summary>
    public Task Deliver(Category category, Doorbell doorbell) => Task.WhenAll(doorbell.Envelopes.Select(entry => Deliver(category, entry)));

    /// <summary>A doorbell that cannot be answered now is given back: its envelope stays rung, and the sweep rings again.</summary>
    private async Task Deliver(Category category, DoorbellEntry entry)
    {
        if (!await Slot(category))
        {
            await ringer.MakeDue([entry], Ringer.Pause, CancellationToken.None);
            return;
        }
        try
        {
            if (await claims.Claim(entry, CancellationToken.None) is { } claim) await Deliver(claim);
        }
        catch (DbException e)
        {
            LogNotClaimed(entry.Id, e.Message);
        }
        finally
        {
            slots[category].Release();
        }
    }

    /// <summary>Waits for a free one; false when the process stops first.</summary>
    private async Task<bool> Slot(Category category)
    {
        try
        {
            await slots[category].WaitAsync(stopping.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task Deliver(Claim claim)
    {
        using var activity = DeliveryMetrics.Start(claim);
        var started = time.GetTimestamp();
        var outcome = await Attempt(claim);
        await Record(claim, outcome);
        DeliveryMetrics.Count(claim, outcome, time.GetElapsedTime(started));
    }

    private async Task<Outcome> Attempt(Claim claim)
    {
        var rule = rules[claim.Category];
        try
        {
            if (claim.Expired) return new Outcome.Expired();
            if (suspensions.Holds(claim.Category, claim.Tenant, claim.Domain, claim.RecipientDomain)) return new Outcome.Throttled(SuspendedAgain);
            if (await suppressions.Find(claim.Tenant, claim.Recipient, claim.Category, rule.SuppressedBy, stopping.Token) is { } reason)
                return new Outcome.Suppressed(reason.ToText());
            if (await domains.Identity(claim.DomainId, stopping.Token) is not { } identity)
                return new Outcome.Failed($"The sending domain {claim.Domain} was removed.");
            if (identity.Signers.Count == 0) return Deferred(claim, rule, reply: null, $"No DKIM key of {claim.Domain} is published: its mail waits rather than leave unsigned.");
            if (await limiter.Take(SendPermits.For(claim, identity), stopping.Token) is Permit.Refused refused) return new Outcome.Throttled(refused.Delay);

            var content = signer.Sign(claim.Content, claim.Envelope, identity, rule);
            var route = await routes.Find(claim, stopping.Token);
            return route switch
            {
                RouteResult.Found found => await Transmit(claim, rule, identity, content, found.Route),
                RouteResult.Refused refusal => Bounced(refusal.Reply, host: null, suppress: BounceClass.SuppressesAddress(refusal.Reply, atRecipient: true)),
                RouteResult.Temporary temporary => Deferred(claim, rule, ToEventReply(temporary.Reply, null), reason: null),
                _ => throw new UnreachableException(),
            };
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

    private async Task<Outcome> Transmit(Claim claim, CategoryRules rule, SendingIdentity identity, IReadOnlyList<ReadOnlyMemory<byte>> content, Route route)
    {
        var result = await transmitter.Transmit(route, new Transmission
        {
            MailFrom = signer.ReturnPath(claim.Envelope, identity),
            Recipient = claim.Recipient,
            Content = content,
            NeedsSmtpUtf8 = claim.NeedsSmtpUtf8,
            EightBit = claim.NeedsSmtpUtf8,
            DotGate = ct => claims.MayFinish(claim, FinalDotWait, ct),
        }, stopping.Token);
        return result switch
        {
            TransmitResult.Accepted accepted => new Outcome.Delivered(ToEventReply(accepted.Reply, accepted.Host)),
            TransmitResult.Refused { Reply.IsPermanent: true } refused when !BounceClass.IsRateSignal(refused.Reply) && refused.Stage >= Stage.MailFrom =>
                Bounced(refused.Reply, refused.Host, BounceClass.SuppressesAddress(refused.Reply, refused.Stage == Stage.RcptTo)),
            TransmitResult.Refused refused => Deferred(claim, rule, ToEventReply(refused.Reply, refused.Host), reason: null),
            TransmitResult.Unreachable unreachable => Deferred(claim, rule, reply: null, unreachable.Reason),
            TransmitResult.Uncertain uncertain when claim.OnUncertain == OnUncertain.Hold => new Outcome.Unknown(uncertain.Reason),
            TransmitResult.Uncertain uncertain => Deferred(claim, rule, reply: null, uncertain.Reason, uncertain: true),
            TransmitResult.GateClosed => new Outcome.Released(),
            _ => throw new UnreachableException(),
        };
    }

    private async Task Record(Claim claim, Outcome outcome)
    {
        while (true)
        {
            try
            {
                if (!await records.Record(claim, outcome)) LogFenced(claim.Envelope, outcome.GetType().Name);
                return;
            }
            catch (DbException e)
            {
                // The receiver has spoken: forgetting it would send the mail twice. Past the lease the envelope is another's.
                LogNotRecorded(claim.Envelope, e.Message);
                if (time.GetElapsedTime(claim.ClaimedAt) > FinalDotWait) return;
                await Task.Delay(RecordAgain, time);
            }
        }
    }

    private static Outcome.Bounced Bounced(Reply reply, string? host, bool suppress) => new(ToEventReply(reply, host), suppress);

    private static Outcome.Deferred Deferred(Claim claim, CategoryRules rule, EventReply? reply, string? reason, bool uncertain = false)
    {
        var wait = rule.RetryAfter(claim.Tries);
        return new Outcome.Deferred(reply, reason, wait, uncertain, TellDelayed: !claim.Delayed && claim.Age + wait > (claim.DelayedAfter ?? rule.DelayedAfter));
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
