using System.Data.Common;
using System.Net;
using System.Text.Json;
using MailApi.Api;
using MailApi.Mail.Preflight;
using MailApi.Spool;
using MailApi.Storage;

namespace MailApi.Delivery.Egress;

/// <summary>Looks at this node's source addresses as receivers do, rests those that are blocklisted or gone, and tells the store.</summary>
internal sealed partial class EgressWatch(EgressPools pools, EgressRests rests, EgressLint lint, Blocklists blocklists, Node node, Db db, TimeProvider time, ILogger<EgressWatch> log)
    : BackgroundService
{
    /// <summary>Between questions to the DNS about an address.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Between reports, and looks at whether the machine still has its addresses.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);

    /// <summary>Days for which it is known how much was sent.</summary>
    private const int CountsKeptDays = 30;

    private const int AtOnce = 4;

    private readonly Dictionary<EgressAddress, Findings> found = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (pools.Addresses.Count == 0) return;
        using var timer = new PeriodicTimer(Tick, time);
        long lookedAt = 0;
        try
        {
            do
            {
                var isTime = lookedAt == 0 || time.GetElapsedTime(lookedAt) >= Interval;
                if (isTime)
                {
                    lookedAt = time.GetTimestamp();
                    await Look(stoppingToken);
                }
                Conclude(isTime);
                await Tell(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was told is passed over when the node is no longer heard.
        }
    }

    private async Task Look(CancellationToken stopping) => await Parallel.ForEachAsync(
        pools.Addresses, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping }, async (address, ct) =>
        {
            var (reverse, helo) = (lint.ReverseDns(address.Public, ct), lint.Helo(address.Source.HeloName, address.Public, ct));
            var answers = await blocklists.Ask([address.Public], [], ct);
            var checks = await Task.WhenAll(reverse, helo);
            lock (found) found[address] = new Findings([.. Listings(answers, found.GetValueOrDefault(address))], checks, time.GetUtcNow());
        });

    /// <summary>A list that cannot be asked now says what it said last.</summary>
    private static IEnumerable<string> Listings(IReadOnlyList<BlocklistAnswer> answers, Findings? before) => answers
        .Where(answer => answer.State == BlocklistState.Listed || (answer.State != BlocklistState.NotListed && before?.Listings.Contains(answer.List) == true))
        .Select(answer => answer.List);

    /// <param name="isLoud">Tells of addresses that nothing replaces, though nothing is new.</param>
    private void Conclude(bool isLoud)
    {
        foreach (var address in pools.Addresses)
        {
            var (before, now) = (rests.Why(address), Unwell(address));
            rests.Set(address, now);
            if (before == now) continue;
            if (now is null) LogWell(address.Public, address.Pool);
            else LogUnwell(address.Public, address.Pool, now);
        }
        foreach (var address in pools.Addresses.Where(_ => isLoud))
            if (rests.Why(address) is { } reason && rests.State(address) != EgressState.Resting) LogAlone(address.Public, address.Pool, reason);
    }

    private string? Unwell(EgressAddress address) =>
        !address.Source.IsHere() ? "This machine does not have the address any more."
        : found[address].Listings is { Count: > 0 } listings ? $"It is listed by {string.Join(", ", listings)}."
        : null;

    private async Task Tell(CancellationToken ct)
    {
        try
        {
            await db.Write(async transaction =>
            {
                await transaction.Run([.. pools.Addresses.Select(Statement)], onRow: null, ct);
                return true;
            }, ct);
            await db.Execute("delete from egress_addresses where node_id not in (select id from nodes)", ct);
            await db.Execute("delete from egress_counts where day < now_ms() / 86400000 - @days", ct, ("days", (long)CountsKeptDays));
        }
        catch (DbException e)
        {
            LogStoreAway(e.Message);
        }
    }

    private Statement Statement(EgressAddress address)
    {
        var state = rests.State(address);
        var findings = found[address];
        var view = new EgressView
        {
            Pool = address.Pool,
            Address = address.Public.ToString(),
            Local = address.Source.Local.ToString(),
            HeloName = address.Source.HeloName,
            State = state,
            Reason = rests.Why(address),
            Since = address.Since,
            Checks = [.. findings.Checks.Select(check => new EgressCheck(check.Name, check.Result, check.Reason, check.Cure))],
            CheckedAt = findings.At,
        };
        return new Statement(
            """
            insert into egress_addresses (node_id, address, report) values (@node, @address, @report)
            on conflict (node_id, address) do update set report = excluded.report
            """, ("node", node.Id), ("address", view.Local), ("report", JsonSerializer.Serialize(view, EgressJson.Default.EgressView)));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Source address {Address} of pool {Pool} rests: {Reason}")]
    private partial void LogUnwell(IPAddress address, string pool, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Source address {Address} of pool {Pool} should rest, but no other can send in its place: {Reason}")]
    private partial void LogAlone(IPAddress address, string pool, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Source address {Address} of pool {Pool} is well again")]
    private partial void LogWell(IPAddress address, string pool);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, source addresses are not reported: {Error}")]
    private partial void LogStoreAway(string error);

    /// <param name="Listings">The blocklists that name it.</param>
    /// <param name="Checks">Of its reverse DNS and of its name.</param>
    private sealed record Findings(IReadOnlyList<string> Listings, IReadOnlyList<Check> Checks, DateTimeOffset At);
}
