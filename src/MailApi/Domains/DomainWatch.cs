using System.Data.Common;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>
/// Looks at every domain again and again: those whose time has come, a few at a time, each by one process. Also makes the keys of scheduled
/// rotations and ends old ones.
/// </summary>
internal sealed partial class DomainWatch(Db db, DomainRows rows, DomainVerifier verifier, DkimRotation rotation, TimeProvider time, ILogger<DomainWatch> log) : BackgroundService
{
    public static readonly TimeSpan Tick = TimeSpan.FromSeconds(10);

    /// <summary>Checks at once; a check is ten look-ups that mostly wait.</summary>
    private const int AtOnce = 8;
    private const int PerTickMax = 200;

    /// <summary>A process that dies during a check leaves the domain to another after so long.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        try
        {
            do
            {
                try
                {
                    await RotateBySchedule(stoppingToken);
                    await rotation.EndOld(stoppingToken);
                    await Parallel.ForEachAsync(await Due(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken },
                        async (id, ct) => await Check(id, ct));
                }
                catch (DbException e)
                {
                    LogStoreAway(e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was being looked at is due again after its lease.
        }
    }

    private async Task Check(DomainId id, CancellationToken ct)
    {
        try
        {
            if (await rows.Find(id, tenant: null, ct) is { } domain) await verifier.Check(domain, asked: false, RecordCheck.Patience, ct);
        }
        catch (Exception e) when (e is not (DbException or OperationCanceledException))
        {
            // What one domain's zone says must not end the watch over the others: it is due again after its lease.
            LogNotChecked(e, id);
        }
    }

    private async Task<List<DomainId>> Due(CancellationToken ct) => await db.Write(transaction => transaction.Query(
        $"""
        with due as materialized (
            select id as due_id from domains where verification = 'dns' and next_check_at <= now_ms() order by next_check_at limit @limit {db.Dialect.SkipLocked}
        )
        update domains set next_check_at = now_ms() + @lease from due where domains.id = due_id
        returning id
        """, row => new DomainId(row.GetGuid(0)), ct, ("limit", PerTickMax), ("lease", (long)Lease.TotalMilliseconds)), ct);

    private async Task RotateBySchedule(CancellationToken ct)
    {
        var old = await db.Query("""
            select d.id, k.algorithm
            from domains d join dkim_keys k on k.domain_id = d.id and k.state = 'active'
            where d.rotate_after_days is not null and k.activated_at < now_ms() - 86400000 * cast(d.rotate_after_days as bigint)
              and not exists (select 1 from dkim_keys p where p.domain_id = d.id and p.state = 'pending' and p.algorithm = k.algorithm)
            limit @limit
            """, row => (Id: new DomainId(row.GetGuid(0)), Algorithm: EnumText.Parse<KeyAlgorithm>(row.GetString(1))), ct, ("limit", PerTickMax));
        foreach (var (id, algorithm) in old)
            if (await rows.Find(id, tenant: null, ct) is { } domain && await rotation.Rotate(domain, algorithm, ct) is KeyStep.Refused refused) LogNotRotated(id, refused.Reason);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, domains are not looked at: {Error}")]
    private partial void LogStoreAway(string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The records of {Domain} could not be checked")]
    private partial void LogNotChecked(Exception e, DomainId domain);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The key of {Domain} was not rotated as scheduled: {Reason}")]
    private partial void LogNotRotated(DomainId domain, string reason);
}
