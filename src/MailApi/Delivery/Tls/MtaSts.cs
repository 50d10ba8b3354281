using System.Collections.Concurrent;
using System.Data.Common;
using System.Threading.Channels;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;
using MailApi.Storage;

namespace MailApi.Delivery.Tls;

/// <summary>
/// The MTA-STS policies of recipients' domains (RFC 8461 §5): fetched at the first mail, kept in the store for as long as they say, and looked at
/// again behind the mail that they are for. Whoever makes a policy unreachable gains nothing while one is kept.
/// </summary>
internal sealed partial class MtaSts(
    [FromKeyedServices(Routes.LookUps)] DnsResolver dns, StsFetcher fetcher, Db db, TlsResults results, TlsSettings settings, TimeProvider time, ILogger<MtaSts> log) : BackgroundService
{
    /// <summary>Domains remembered in this process; when it is full it is emptied, and what holds is read from the store.</summary>
    public const int DomainsMax = 20_000;

    /// <summary>Domains that wait to be looked at again; more are, with their next mail.</summary>
    private const int WaitingMax = 1_000;
    private const int RefreshesAtOnce = 4;

    /// <summary>How long it is believed that a domain has no policy, beside what the DNS says.</summary>
    public static readonly TimeSpan NoneAge = TimeSpan.FromMinutes(1);

    /// <summary>RFC 8461 §3.3: a fetch that failed is not tried again sooner.</summary>
    public static readonly TimeSpan FailureAge = TimeSpan.FromMinutes(5);

    /// <summary>Between two looks at the id of a domain that gets mail; they cost a look into the DNS cache.</summary>
    public static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(10);

    /// <summary>A policy is fetched anew though its id is the same, so that it does not run out while it is in use (RFC 8461 §10.2).</summary>
    public static readonly TimeSpan FetchAgain = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<string, Known> known = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<StsPolicy?>>> looking = new();
    private readonly Channel<string> waiting = Channel.CreateBounded<string>(new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>The policy that holds; null where there is none, or it says <c>none</c>.</summary>
    /// <exception cref="DbException">The store is away.</exception>
    public async Task<StsPolicy?> Find(string domain, CancellationToken ct)
    {
        if (!settings.MtaSts) return null;
        var now = time.GetUtcNow();
        if (known.TryGetValue(domain, out var entry) && entry.Until > now)
        {
            if (entry.Id is not null && entry.LookAt <= now && known.TryUpdate(domain, entry with { LookAt = now + LookAgain }, entry)) waiting.Writer.TryWrite(domain);
            return Holding(entry);
        }
        ct.ThrowIfCancellationRequested();
        return await looking.GetOrAdd(domain, _ => new Lazy<Task<StsPolicy?>>(() => Look(domain))).Value.WaitAsync(ct);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Parallel.ForEachAsync(waiting.Reader.ReadAllAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = RefreshesAtOnce, CancellationToken = stoppingToken }, Refresh);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was not looked at is kept, and looked at with the next mail.
        }
    }

    private static StsPolicy? Holding(Known entry) => entry.Policy is { Mode: not StsMode.None } policy ? policy : null;

    /// <summary>Of a domain that this process knows nothing of.</summary>
    private async Task<StsPolicy?> Look(string domain)
    {
        try
        {
            if (await Stored(domain) is { } stored) return Holding(Keep(domain, stored));
            if (await Id(domain, CancellationToken.None) is not { } id) return Holding(Keep(domain, Nothing(NoneAge)));
            return await Fetch(domain, id, CancellationToken.None) is { } fetched ? Holding(fetched) : Holding(Keep(domain, Nothing(FailureAge)));
        }
        finally
        {
            looking.TryRemove(domain, out _);
        }
    }

    /// <summary>Of a domain whose policy is kept: without a record, or when the fetch fails, it stays (RFC 8461 §5.1).</summary>
    private async ValueTask Refresh(string domain, CancellationToken ct)
    {
        try
        {
            if (!known.TryGetValue(domain, out var entry) || await Id(domain, ct) is not { } id) return;
            if (id == entry.Id && time.GetUtcNow() - entry.FetchedAt < FetchAgain) return;
            if (await Fetch(domain, id, ct) is null) known.TryUpdate(domain, entry with { LookAt = time.GetUtcNow() + FailureAge }, known.GetValueOrDefault(domain, entry));
        }
        catch (DbException e)
        {
            LogNotKept(e.Message);
        }
    }

    private async Task<string?> Id(string domain, CancellationToken ct) =>
        await dns.Txt("_mta-sts." + domain, ct) is DnsAnswer<string>.Found found ? StsPolicy.IdIn(found.Values) : null;

    private async Task<Known?> Fetch(string domain, string id, CancellationToken ct)
    {
        var fetched = await fetcher.Fetch(domain, ct);
        if (fetched.Policy is not { } policy)
        {
            results.Count(domain, TlsPolicyType.Sts, fetched.Failure, mx: null);
            LogNotFetched(fetched.Failure, fetched.Detail);
            return null;
        }
        await db.Execute(
            """
            insert into sts_policies (domain, id, policy, fetched_at, expires_at) values (@domain, @id, @policy, now_ms(), now_ms() + @age)
            on conflict (domain) do update set id = excluded.id, policy = excluded.policy, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
            """, ct, ("domain", domain), ("id", id), ("policy", fetched.Text), ("age", (long)policy.MaxAge.TotalMilliseconds));
        var now = time.GetUtcNow();
        return Keep(domain, new Known(policy, id, now, now + policy.MaxAge, now + LookAgain));
    }

    private async Task<Known?> Stored(string domain)
    {
        var found = await db.Query(
            "select id, policy, now_ms() - fetched_at, expires_at - now_ms() from sts_policies where domain = @domain and expires_at > now_ms()",
            row => (Id: row.GetString(0), Text: row.GetString(1), Age: row.GetInt64(2), Left: row.GetInt64(3)), CancellationToken.None, ("domain", domain));
        if (found is not [var stored] || !StsPolicy.TryParse(stored.Text, out var policy, out _)) return null;
        var now = time.GetUtcNow();
        return new Known(policy, stored.Id, now - TimeSpan.FromMilliseconds(stored.Age), now + TimeSpan.FromMilliseconds(stored.Left), now);
    }

    private Known Nothing(TimeSpan age) => new(null, null, time.GetUtcNow(), time.GetUtcNow() + age, DateTimeOffset.MaxValue);

    private Known Keep(string domain, Known entry)
    {
        if (known.Count >= DomainsMax) known.Clear();
        return known[domain] = entry;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "An MTA-STS policy could not be fetched ({Result}): {Detail}")]
    private partial void LogNotFetched(TlsResult result, string detail);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, an MTA-STS policy is not kept: {Error}")]
    private partial void LogNotKept(string error);

    /// <param name="Id">Null where there is no policy.</param>
    /// <param name="Until">When it no longer holds.</param>
    /// <param name="LookAt">When its id is to be looked at again.</param>
    private sealed record Known(StsPolicy? Policy, string? Id, DateTimeOffset FetchedAt, DateTimeOffset Until, DateTimeOffset LookAt);
}
