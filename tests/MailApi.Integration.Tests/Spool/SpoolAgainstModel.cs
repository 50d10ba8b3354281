using System.Collections.Immutable;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp;
using MailApi.Spool;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Spool;

/// <summary>A spool and its model, taken through the same steps.</summary>
internal sealed class SpoolAgainstModel(SpoolUnderTest spool)
{
    private static readonly EventReply Ok = new(250, "2.0.0", "queued", "mx.example.net");
    private static readonly EventReply Busy = new(451, "4.7.1", "later", "mx.example.net");
    private static readonly EventReply Gone = new(550, "5.1.1", "No such user", "mx.example.net");
    private static readonly BounceVerdict NoUser = BounceTable.Classify(new Reply(550, "5.1.1", "No such user"), atRecipient: true);

    private readonly TenantId[] tenants = [PrefixedId.New<TenantId>(), PrefixedId.New<TenantId>()];
    private readonly List<Acceptance> messages = [];
    private readonly List<AcceptedEnvelope> envelopes = [];
    private readonly Dictionary<(int Envelope, int Attempt), Claim> claims = [];
    private ModelSpool model = ModelSpool.Empty;

    /// <summary>One step of both: how each answers.</summary>
    private sealed record Move(Func<Task<string>> Do, Func<ModelSpool, (ModelSpool After, string Answer)> Model);

    /// <exception cref="Xunit.Sdk.XunitException">The two differ.</exception>
    public async Task Take(IEnumerable<SpoolStep> steps)
    {
        foreach (var (number, step) in steps.Index())
        {
            var before = model;
            List<Move> moves = step is SpoolStep.Race race ? [.. race.Steps.Select(MoveOf).OfType<Move>()] : MoveOf(step) is { } move ? [move] : [];
            var answers = await Task.WhenAll(moves.Select(it => it.Do()));
            var seen = await Lines();
            if (!Orders(moves.Count).Any(order => Fits(order, moves, answers, seen, before)))
                Assert.Fail($"After step {number}, {step}, which answered [{string.Join(", ", answers)}], the spool has\n  {string.Join("\n  ", seen)}\nand before had\n  {string.Join("\n  ", before.Envelopes.Select(it => it.Line))}");
        }
    }

    private bool Fits(int[] order, List<Move> moves, string[] answers, List<string> seen, ModelSpool before)
    {
        var after = before;
        foreach (var index in order)
        {
            (after, var answer) = moves[index].Model(after);
            if (answer != answers[index]) return false;
        }
        if (!after.Envelopes.Select(it => it.Line).SequenceEqual(seen)) return false;
        model = after;
        return true;
    }

    private static IEnumerable<int[]> Orders(int count) => count == 0 ? [[]] :
        Orders(count - 1).SelectMany(order => Enumerable.Range(0, count), (order, place) => (int[])[.. order[..place], count - 1, .. order[place..]]);

    /// <summary>Null where there is nothing yet that it could happen to.</summary>
    private Move? MoveOf(SpoolStep step) => step switch
    {
        SpoolStep.Accept accept => Accept(accept),
        SpoolStep.Ring ring when envelopes.Count > 0 => Ring(ring.Envelope % envelopes.Count, ring.AttemptsOff),
        SpoolStep.Record record when claims.Count > 0 => Record(Claimed(record.Claim), record.Ending),
        SpoolStep.Finish finish when claims.Count > 0 => Finish(Claimed(finish.Claim)),
        SpoolStep.Cancel cancel when messages.Count > 0 => Cancel(cancel.Message % messages.Count),
        SpoolStep.RunOut runOut when envelopes.Count > 0 => RunOut(runOut.Envelope % envelopes.Count),
        SpoolStep.PassTime => Silent(spool.PassTime, before => before.All(it => it.RunOut())),
        SpoolStep.Sweep => Silent(() => spool.Sweeper.Sweep(CancellationToken.None), before => before.All(it => it.Sweep(before.IsHeld(it, whenDealt: true)))),
        SpoolStep.HoldBack { Hold: var hold } => Silent(() => spool.Suspensions.Add(KindOf(hold), ValueOf(hold), CancellationToken.None), before => before with { Holds = before.Holds.Add(hold) }),
        SpoolStep.Resume { Hold: var hold } => Silent(() => spool.Suspensions.Remove(KindOf(hold), ValueOf(hold), CancellationToken.None), before => before with { Holds = before.Holds.Remove(hold) }),
        _ => null,
    };

    private static Move Silent(Func<Task> act, Func<ModelSpool, ModelSpool> change) => new(
        async () =>
        {
            await act();
            return "";
        },
        before => (change(before), ""));

    private Move Accept(SpoolStep.Accept accept)
    {
        var message = SpoolUnderTest.NewAcceptance(
            tenants[accept.Tenant], accept.Recipients, accept.Marketing ? Category.Marketing : Category.Support, accept.Scheduled ? TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(2) : null,
            onUncertain: accept.Hold ? OnUncertain.Hold : OnUncertain.Retry);
        messages.Add(message);
        envelopes.AddRange(message.Envelopes);
        return new Move(async () => (await spool.Acceptor.Accept(message)).GetType().Name, before =>
        {
            var fresh = new ModelEnvelope(before.Messages, accept.Tenant, message.Category, message.OnUncertain) { IsDue = !accept.Scheduled };
            if (!accept.Scheduled && !before.IsHeld(fresh, whenDealt: false)) fresh = fresh with { State = EnvelopeState.Rung, IsDue = false };
            return (before with { Envelopes = before.Envelopes.AddRange(Enumerable.Repeat(fresh, accept.Recipients)) }, nameof(AcceptResult.Committed));
        });
    }

    private Move Ring(int envelope, int attemptsOff)
    {
        var attempt = model.Envelopes[envelope].Attempt + attemptsOff;
        var entry = new DoorbellEntry(envelopes[envelope].Id.Value, attempt, tenants[model.Envelopes[envelope].Tenant].Value);
        return new Move(
            async () =>
            {
                if (await spool.Claims.Claim(entry, CancellationToken.None) is not { } claim) return "none";
                lock (claims) claims.Add((envelope, claim.Attempt), claim);
                return $"attempt {claim.Attempt} tries {claim.Tries} {claim.DuplicatePossible} {claim.OnUncertain}";
            },
            before =>
            {
                var (after, won) = before.Envelopes[envelope].Claim(attempt);
                return (before.With(envelope, after), won ? $"attempt {after.Attempt} tries {after.Tries} {after.DuplicatePossible} {after.OnUncertain}" : "none");
            });
    }

    private Move Record((int Envelope, int Attempt) of, Ending ending) => new(
        async () => $"{await spool.Records.Record(claims[of], OutcomeOf(ending))}",
        before =>
        {
            var (after, recorded) = before.Envelopes[of.Envelope].Record(of.Attempt, ending);
            return (before.With(of.Envelope, after), $"{recorded}");
        });

    /// <summary>For longer than a lease, so that the store is asked.</summary>
    private Move Finish((int Envelope, int Attempt) of) => new(
        async () => $"{await spool.Claims.MayFinish(claims[of], TimeSpan.FromMinutes(20), CancellationToken.None)}",
        before =>
        {
            var (after, may) = before.Envelopes[of.Envelope].Finish(of.Attempt);
            return (before.With(of.Envelope, after), $"{may}");
        });

    private Move Cancel(int message) => Silent(
        () => spool.Messages.Cancel(messages[message].Tenant, messages[message].Id, CancellationToken.None), before => before.All(it => it.Message == message ? it.Cancel() : it));

    private Move RunOut(int envelope) => Silent(
        () => spool.Db.Execute("update envelopes set due_at = 0 where id = @id and state in ('queued', 'rung', 'deferred', 'sending')", CancellationToken.None, ("id", envelopes[envelope].Id.Value)),
        before => before.With(envelope, before.Envelopes[envelope].RunOut()));

    private (int Envelope, int Attempt) Claimed(int number) => claims.Keys.Order().ElementAt(number % claims.Count);

    private static Outcome OutcomeOf(Ending ending) => ending switch
    {
        Ending.Delivered => new Outcome.Delivered(Ok),
        Ending.Bounced => new Outcome.Bounced(Gone, NoUser),
        Ending.Deferred => new Outcome.Deferred(Busy, null, TimeSpan.Zero, Uncertain: false, TellDelayed: false),
        Ending.DeferredForLong => new Outcome.Deferred(null, "no answer", TimeSpan.FromHours(1), Uncertain: true, TellDelayed: true),
        Ending.Throttled => new Outcome.Throttled(TimeSpan.FromHours(1)),
        Ending.Released => new Outcome.Released(),
        Ending.Suppressed => new Outcome.Suppressed("hardbounce"),
        Ending.Expired => new Outcome.Expired(null),
        Ending.Unknown => new Outcome.Unknown("no answer"),
        _ => new Outcome.Failed("no key"),
    };

    private static SuspensionKind KindOf(Hold hold) => hold switch { Hold.FirstTenant => SuspensionKind.Tenant, Hold.Site => SuspensionKind.Site, _ => SuspensionKind.Category };

    private string ValueOf(Hold hold) => hold switch { Hold.FirstTenant => tenants[0].ToString(), Hold.Site => "example.net", _ => (hold == Hold.Marketing ? Category.Marketing : Category.Support).ToText() };

    /// <summary>The envelopes as the store has them, in the model's words.</summary>
    private async Task<List<string>> Lines()
    {
        var events = (await spool.Db.Query(
            "select envelope_id, seq, type from events order by envelope_id, seq", row => (Envelope: row.GetGuid(0), Seq: row.GetInt32(1), Type: EventTypes.Parse(row.GetString(2))), CancellationToken.None)).ToLookup(it => it.Envelope);
        var rows = (await spool.Db.Query(
            "select id, state, attempt, tries, crashes, duplicate_possible, case when coalesce(set_aside_due_at, due_at) <= now_ms() then 1 else 0 end, seq from envelopes", row =>
            {
                var id = row.GetGuid(0);
                var told = events[id].ToList();
                // Without gaps, none twice, and the row knows the last.
                Assert.Equal(Enumerable.Range(1, row.GetInt32(7)), told.Select(it => it.Seq));
                return (Id: id, Envelope: new ModelEnvelope(0, 0, default, default)
                {
                    State = EnumText.Parse<EnvelopeState>(row.GetString(1)),
                    Attempt = row.GetInt32(2),
                    Tries = row.GetInt32(3),
                    Crashes = row.GetInt32(4),
                    DuplicatePossible = row.GetBoolean(5),
                    IsDue = row.GetInt32(6) == 1,
                    Events = [.. told.Select(it => it.Type)],
                });
            }, CancellationToken.None)).ToDictionary(it => it.Id, it => it.Envelope);
        Assert.All(rows.Values, it => Assert.True(it.Events.Count(type => IsFinal(type)) == (it.IsFinal ? 1 : 0), $"An envelope that is {it.State} has another number of last events than one."));
        return [.. envelopes.Select(it => rows[it.Id.Value].Line)];
    }

    private static bool IsFinal(EventType type) => type is not (EventType.MessageAccepted or EventType.MessageDeferred or EventType.MessageDelayed);
}
