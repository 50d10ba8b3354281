using System.Data.Common;
using System.Text.Json;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Preflight;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>Looks a domain's records up and draws the consequences: its state, its keys', and the events that tell of them.</summary>
internal sealed partial class DomainVerifier(Db db, RecordCheck records, SendingDomains sending, TimeProvider time, ILogger<DomainVerifier> log)
{
    /// <summary>
    /// A verified domain fails only when so many checks in a row find a required record gone: one slip of a name server must not stop mail.
    /// A check that was asked for counts at once.
    /// </summary>
    public const int FailuresMax = 2;

    /// <summary>New domains are looked at often: somebody is waiting.</summary>
    public static readonly TimeSpan PendingEvery = TimeSpan.FromMinutes(2);

    /// <summary>A domain that is still pending after so long is looked at like the others.</summary>
    public static readonly TimeSpan PendingFor = TimeSpan.FromDays(2);
    public static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>A domain that has failed for so many checks, about two days, is looked at like the others.</summary>
    public const int FailuresWatched = 1_440;

    /// <summary>Patience where somebody waits who asked for something else.</summary>
    public static readonly TimeSpan InPassing = TimeSpan.FromSeconds(3);

    /// <summary>Checks; a DNS that answers nothing changes nothing.</summary>
    /// <param name="domain">As it was read.</param>
    /// <param name="asked">Somebody waits for the answer, having just looked at the zone.</param>
    /// <param name="patience">For all look-ups together: <see cref="RecordCheck.Patience"/>, or <see cref="InPassing"/>.</param>
    /// <param name="ct">Ends the check without a trace.</param>
    public async Task Check(Domain domain, bool asked, TimeSpan patience, CancellationToken ct)
    {
        await Conclude(domain, await records.Run(domain, patience, ct), asked, ct);
        sending.Forget(domain);
    }

    private async Task Conclude(Domain domain, Observations seen, bool asked, CancellationToken ct)
    {
        var judgement = Judgement.Of(domain, seen);
        var failures = judgement.IsGone ? domain.Failures + 1 : judgement.IsComplete ? 0 : domain.Failures;
        var isCertain = asked || failures >= FailuresMax;
        var next = Next(domain, judgement, isCertain);
        await db.Write(async transaction =>
        {
            // A check that another one has overtaken has seen what was there before.
            var isLast = await transaction.Execute("""
                update domains
                set observed = @observed, checked_at = now_ms(), failures = @failures, next_check_at = now_ms() + @next, skeleton = @skeleton
                where id = @id and tenant_id = @tenant and (@asked or checked_at is not distinct from cast(@before as bigint))
                """, ct, ("id", domain.Id.Value), ("tenant", domain.Tenant.Value), ("asked", asked), ("before", domain.CheckedAt?.ToUnixTimeMilliseconds()), ("observed", JsonSerializer.Serialize(seen, DomainJson.Default.Observations)),
                ("failures", failures), ("next", (long)Wait(domain, next, judgement, failures).TotalMilliseconds), ("skeleton", Confusables.Skeleton(domain.Name)));
            if (isLast == 0) return 0;
            foreach (var selector in judgement.Appeared) await DkimRotation.Activate(transaction, domain, selector, ct);
            if (domain.Verification == Verification.Dns) await Mark(transaction, domain, judgement, isCertain || !judgement.IsGone, ct);
            if (next is { } state && state != domain.State) await Become(transaction, domain, seen, state, judgement, ct);
            return 0;
        }, ct);
    }

    /// <summary>The state that follows; null: as it is.</summary>
    private static DomainState? Next(Domain domain, Judgement judgement, bool isCertain)
    {
        if (domain.Verification == Verification.Manual) return null;
        if (judgement.IsComplete) return DomainState.Verified;
        return domain.State == DomainState.Verified && judgement.IsGone && isCertain ? DomainState.Failing : null;
    }

    /// <summary>The name is verified for one tenant, and nobody else has proved a name above or below it.</summary>
    private async Task Become(DbTransaction transaction, Domain domain, Observations seen, DomainState state, Judgement judgement, CancellationToken ct)
    {
        if (state == DomainState.Verified && await DomainClaims.AreTaken(transaction, db.Dialect, domain.Tenant, domain.Name, ct))
        {
            LogTaken(domain.Id);
            await TellOfOtherClaim(transaction, domain, seen, ct);
            return;
        }
        var became = await transaction.Execute("update domains set state = @state where id = @id and tenant_id = @tenant and state = @was and verification = 'dns'", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value), ("state", state.ToText()), ("was", domain.State.ToText()));
        if (became == 0) return;
        var (type, reason) = state == DomainState.Verified ? (EventType.DomainVerified, (string?)null) : (EventType.DomainFailing, judgement.Reason);
        await transaction.Run([.. EventLog.Append(domain.Tenant, type, new EventData { Domain = domain.Name, Reason = reason })], null, ct);
    }

    /// <summary>A domain whose records are all there, but which stays pending, must say why.</summary>
    private static Task<int> TellOfOtherClaim(DbTransaction transaction, Domain domain, Observations seen, CancellationToken ct)
    {
        var ownership = DomainRecords.OwnershipName(domain.Name);
        var note = $"{domain.Name}, or a name above or below it, is the domain of another tenant already. Only the operator can part the two.";
        seen = seen with { Records = [.. seen.Records.Select(record => record.Name == ownership ? record with { Note = note } : record)] };
        return transaction.Execute("update domains set observed = @observed where id = @id and tenant_id = @tenant and state = 'pending'", ct,
            ("id", domain.Id.Value), ("tenant", domain.Tenant.Value), ("observed", JsonSerializer.Serialize(seen, DomainJson.Default.Observations)));
    }

    /// <summary>A key whose record is gone stops signing, one whose record is back goes on. As long as it is not certain no key stops.</summary>
    private static async Task Mark(DbTransaction transaction, Domain domain, Judgement judgement, bool isCertain, CancellationToken ct)
    {
        foreach (var (selector, isLost) in judgement.Active.Where(key => isCertain || !key.IsLost))
        {
            await transaction.Execute("""
                update dkim_keys set lost_at = case when @lost then coalesce(lost_at, now_ms()) end
                where domain_id = @domain and tenant_id = @tenant and selector = @selector and state = 'active'
                """, ct, ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value), ("selector", selector), ("lost", isLost));
        }
    }

    private TimeSpan Wait(Domain domain, DomainState? next, Judgement judgement, int failures)
    {
        var isWatched = (next ?? domain.State) switch
        {
            DomainState.Pending => time.GetUtcNow() - domain.CreatedAt < PendingFor,
            DomainState.Failing => failures < FailuresWatched,
            // A slip is told from a loss soon.
            _ => judgement.IsGone || domain.Keys.Any(key => key.State == KeyState.Pending),
        };
        // Domains that were registered together are not to be looked up together for ever.
        return (isWatched ? PendingEvery : Every) * (0.8 + 0.4 * Random.Shared.NextDouble());
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Domain} has its records, and is not verified: another tenant has proved the name, or one above or below it")]
    private partial void LogTaken(DomainId domain);
}

/// <summary>What observations mean for a domain. Pure.</summary>
internal sealed record Judgement
{
    /// <summary>Every required record was seen.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>A required record is certainly not there.</summary>
    public required bool IsGone { get; init; }

    /// <summary>Which, and what stands there instead.</summary>
    public required string? Reason { get; init; }

    /// <summary>Pending keys whose records are there.</summary>
    public required IReadOnlyList<string> Appeared { get; init; }

    /// <summary>Active keys, and whether their records are certainly not there.</summary>
    public required IReadOnlyList<(string Selector, bool IsLost)> Active { get; init; }

    public static Judgement Of(Domain domain, Observations seen)
    {
        var byName = seen.Records.ToLookup(record => (record.Type, record.Name));
        Observation? KeyRecord(DkimKey key) => byName[("TXT", DomainRecords.KeyName(key.Selector, domain.Name))].FirstOrDefault();

        var appeared = domain.Keys.Where(key => key.State == KeyState.Pending && KeyRecord(key) is { State: RecordState.Ok, IsUncertain: false }).ToList();
        var active = domain.Keys.Where(key => key.State == KeyState.Active && KeyRecord(key) is not null).ToList();
        // A new key that has appeared stands for the one that it follows.
        var isFollowed = appeared.Any(key => key.Algorithm == KeyAlgorithm.Rsa);
        var required = RequiredNames(domain, isFollowed).Select(name => byName[name].FirstOrDefault()).ToList();
        var gone = required.Where(record => record is { IsUncertain: false, State: RecordState.Missing or RecordState.Mismatch }).ToList();
        return new Judgement
        {
            IsComplete = required.All(record => record is { State: RecordState.Ok, IsUncertain: false }),
            IsGone = gone.Count > 0,
            Reason = gone.Count == 0 ? null : string.Join(" ", gone.Select(record => $"{record!.Type} {record.Name}: {record.Note}")),
            Appeared = [.. appeared.Select(key => key.Selector)],
            Active = [.. active.Where(key => !KeyRecord(key)!.IsUncertain).Select(key => (key.Selector, KeyRecord(key)!.State is RecordState.Missing or RecordState.Mismatch))],
        };
    }

    private static IEnumerable<(string Type, string Name)> RequiredNames(Domain domain, bool isFollowed) =>
        DomainRecords.For(domain with { Observed = null }, new DomainOptions())
            .Where(record => record.Required && !(isFollowed && record.Purpose == RecordPurpose.Dkim)).Select(record => (record.Type, record.Name));
}
