using System.Data.Common;
using MailApi.Api;

namespace MailApi.Mailboxes;

/// <summary>
/// Has every mailbox read by one process. Where there are more than all processes together read at once, those that were read for longest give way to those that wait.
/// </summary>
internal sealed partial class MailboxWatch(MailboxLeases leases, MailboxReader reader, TimeProvider time, ILogger<MailboxWatch> log) : BackgroundService
{
    /// <summary>A mailbox that is named, changed or removed is noticed within this.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromSeconds(2);

    /// <summary>Read at once by one process: a connection each, mostly idle.</summary>
    private const int AtOnceMax = 256;

    /// <summary>Taken or given back in one tick.</summary>
    private const int PerTickMax = 32;

    /// <summary>How long a mailbox is read at least when others wait.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan RenewEvery = MailboxLeases.Lease / 4;

    /// <summary>A reader takes leave of its server before the process stops.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(8);

    private readonly Dictionary<DomainId, Reading> readings = [];
    private long renewedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        try
        {
            do
            {
                try
                {
                    await Look(stoppingToken);
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
            await StopAll();
        }
    }

    private async Task Look(CancellationToken ct)
    {
        if (readings.Count > 0 && time.GetElapsedTime(renewedAt) > RenewEvery)
        {
            await leases.Renew(ct);
            renewedAt = time.GetTimestamp();
        }
        var seen = await leases.Look(PerTickMax, ct);
        var ours = seen.Where(mailbox => mailbox.IsOurs).ToDictionary(mailbox => mailbox.Domain, mailbox => mailbox.Revision);
        await Stop([.. readings.Where(reading => !ours.TryGetValue(reading.Key, out var revision) || revision != reading.Value.Revision).Select(reading => reading.Key)]);
        // Of settings that were changed, and of a process's own that it could not give back.
        foreach (var (domain, revision) in ours)
            if (!readings.ContainsKey(domain)) Start(domain, revision);

        var free = seen.Where(mailbox => !mailbox.IsOurs).ToList();
        if (free.Count > AtOnceMax - readings.Count) await GiveWay(free.Count, ct);
        foreach (var mailbox in free.Take(AtOnceMax - readings.Count))
            if (await leases.TryTake(mailbox.Domain, ct)) Start(mailbox.Domain, mailbox.Revision);
    }

    private void Start(DomainId domain, int revision)
    {
        if (readings.Count == 0) renewedAt = time.GetTimestamp();
        var stop = new CancellationTokenSource();
        readings[domain] = new Reading(revision, time.GetTimestamp(), stop, Task.Run(() => reader.Run(domain, stop.Token), CancellationToken.None));
    }

    private async Task GiveWay(int waiting, CancellationToken ct)
    {
        var longest = readings.Where(reading => time.GetElapsedTime(reading.Value.Since) > Turn).OrderBy(reading => reading.Value.Since).Take(waiting).Select(reading => reading.Key).ToList();
        await Stop(longest);
        foreach (var domain in longest) await leases.Release(domain, ct);
    }

    private async Task Stop(IReadOnlyList<DomainId> domains)
    {
        var stopped = domains.Select(domain => readings[domain]).ToList();
        foreach (var domain in domains) readings.Remove(domain);
        await Task.WhenAll(stopped.Select(reading => reading.Stop.CancelAsync()));
        await Task.WhenAll(stopped.Select(reading => reading.Run));
        foreach (var reading in stopped) reading.Stop.Dispose();
    }

    private async Task StopAll()
    {
        var domains = readings.Keys.ToList();
        using var patience = new CancellationTokenSource(StopPatience, time);
        try
        {
            await Stop(domains).WaitAsync(patience.Token);
            foreach (var domain in domains) await leases.Release(domain, patience.Token);
        }
        catch (Exception e) when (e is DbException or OperationCanceledException)
        {
            // The leases end by themselves.
        }
    }

    private sealed record Reading(int Revision, long Since, CancellationTokenSource Stop, Task Run);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, mailboxes are not looked after: {Error}")]
    private partial void LogStoreAway(string error);
}
