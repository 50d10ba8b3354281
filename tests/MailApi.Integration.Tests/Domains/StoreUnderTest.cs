using System.Globalization;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Domains;

/// <summary>A database of its own for one test, empty until <see cref="Migrate"/>.</summary>
internal sealed class StoreUnderTest(StoreOptions options) : IDisposable
{
    private readonly TempDirectory directory = new();
    private readonly Clock clock = new();
    private Db? db;

    public StoreOptions Options => options;

    /// <summary>Where the SQLite file is.</summary>
    public string Directory => directory.Path;

    public Db Db => db ??= Store.Open(options, directory.Path, clock);

    public Vault Vault { get; } = new(new byte[Vault.KeyBytes]);

    public static async Task<StoreUnderTest> Create(StoreProvider provider, SharedServers servers)
    {
        if (provider == StoreProvider.Sqlite) return new StoreUnderTest(new StoreOptions());
        var server = await servers.PostgreSql;
        return new StoreUnderTest(new StoreOptions { Provider = provider, ConnectionString = server.ConnectionString(await server.CreateDatabaseAsync(CancellationToken.None)) });
    }

    public void Migrate() => Store.Migrate(options, directory.Path);

    /// <summary>Where <c>now_ms()</c> stands since <see cref="StopClock"/>.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Lets the store's clock stand still; <see cref="Advance"/> alone moves it from then on.</summary>
    public Task StopClock() => SetClock(DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()));

    public Task Advance(TimeSpan by) => SetClock(Now + by);

    public async Task<TenantId> AddTenant()
    {
        var tenant = PrefixedId.New<TenantId>();
        await Db.Execute("insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'a tenant', 200, 1000, now_ms())", CancellationToken.None, ("id", tenant.Value));
        return tenant;
    }

    /// <summary>Waits until so many sessions of this PostgreSQL database wait for a lock.</summary>
    public Task Wait(int sessions) => Eventually.HoldsAsync(
        async () => (await Db.Query(
            "select count(*) from pg_locks l join pg_stat_activity a on a.pid = l.pid where not l.granted and a.datname = current_database()", row => row.GetInt64(0), CancellationToken.None))[0] == sessions,
        TimeSpan.FromSeconds(30), $"{sessions} wait", CancellationToken.None);

    public void Dispose()
    {
        db?.Dispose();
        directory.Dispose();
    }

    private async Task SetClock(DateTimeOffset now)
    {
        clock.StandsAt = now;
        if (options.Provider == StoreProvider.PostgreSql)
            await Db.Execute(string.Create(CultureInfo.InvariantCulture, $"create or replace function now_ms() returns bigint language sql stable as $$ select {now.ToUnixTimeMilliseconds()}::bigint $$"), CancellationToken.None);
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset? StandsAt { get; set; }

        public override DateTimeOffset GetUtcNow() => StandsAt ?? System.GetUtcNow();
    }
}
