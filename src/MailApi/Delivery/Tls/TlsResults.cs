using System.Data.Common;
using System.Diagnostics.Metrics;
using MailApi.Mail.Tls;
using MailApi.Storage;

namespace MailApi.Delivery.Tls;

/// <summary>Counts how TLS with receivers came out (RFC 8460 §4), in memory on the path of mail, and writes the sums every few seconds.</summary>
internal sealed partial class TlsResults(Db db, TimeProvider time, ILogger<TlsResults> log) : BackgroundService
{
    /// <summary>Sums that wait to be written; strangers choose domains and hosts. What is more is counted by the metric alone.</summary>
    public const int SumsMax = 10_000;

    public static readonly TimeSpan Between = TimeSpan.FromSeconds(5);

    private const int RowsPerBatch = 500;
    private static readonly Meter Meter = new(DeliveryMetrics.Name);
    private static readonly Counter<long> Sessions = Meter.CreateCounter<long>("mailapi.tls.sessions", description: "Negotiations of TLS with receivers by policy and result (RFC 8460).");

    private readonly Lock gate = new();
    private Dictionary<Sum, long> waiting = [];

    /// <summary>A negotiation with a mail host of this domain.</summary>
    public void Count(string domain, TlsSession session)
    {
        // Encrypted for want of a usable record (RFC 7672 §2.2): no success, for the report's reader can mend it.
        var result = session is { Result: TlsResult.Success, Demand: { Policy: TlsPolicyType.Tlsa, Proof: TlsProof.Encryption } } ? TlsResult.TlsaInvalid : session.Result;
        Count(domain, session.Demand.Policy, result, session.Host);
    }

    /// <param name="domain">The recipient's.</param>
    /// <param name="policy">What it publishes.</param>
    /// <param name="result">How it came out.</param>
    /// <param name="mx">Null where no mail host was come to.</param>
    public void Count(string domain, TlsPolicyType policy, TlsResult result, string? mx)
    {
        Sessions.Add(1, new KeyValuePair<string, object?>("policy", policy.Word()), new KeyValuePair<string, object?>("result", result.Word()));
        Add(new Sum(domain, policy.Word(), result.Word(), mx ?? ""), 1);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Between, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await Write();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Write();
        }
    }

    internal async Task Write()
    {
        Dictionary<Sum, long> sums;
        lock (gate) (sums, waiting) = (waiting, []);
        foreach (var batch in sums.Chunk(RowsPerBatch))
        {
            try
            {
                await db.Write(async transaction =>
                {
                    await transaction.Run([.. batch.Select(sum => Statement(sum.Key, sum.Value))], onRow: null, CancellationToken.None);
                    return batch.Length;
                }, CancellationToken.None);
            }
            catch (DbException e)
            {
                LogNotWritten(e.Message);
                foreach (var (sum, sessions) in batch) Add(sum, sessions);
            }
        }
    }

    private void Add(Sum sum, long sessions)
    {
        lock (gate)
        {
            if (waiting.TryGetValue(sum, out var there) || waiting.Count < SumsMax) waiting[sum] = there + sessions;
        }
    }

    private static Statement Statement(Sum sum, long sessions) => new(
        """
        insert into tls_results (day, domain, policy_type, result_type, mx, sessions) values (now_ms() / 86400000, @domain, @policy, @result, @mx, @sessions)
        on conflict (day, domain, policy_type, result_type, mx) do update set sessions = tls_results.sessions + excluded.sessions
        """,
        ("domain", sum.Domain), ("policy", sum.Policy), ("result", sum.Result), ("mx", sum.Mx), ("sessions", sessions));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, TLS results wait: {Error}")]
    private partial void LogNotWritten(string error);

    private sealed record Sum(string Domain, string Policy, string Result, string Mx);
}
