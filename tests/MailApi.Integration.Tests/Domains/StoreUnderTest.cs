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
    private Db? db;

    public StoreOptions Options => options;

    /// <summary>Where the SQLite file is.</summary>
    public string Directory => directory.Path;

    public Db Db => db ??= Store.Open(options, directory.Path, TimeProvider.System);

    public Vault Vault { get; } = new(new byte[Vault.KeyBytes]);

    public static async Task<StoreUnderTest> Create(StoreProvider provider, SharedServers servers)
    {
        if (provider == StoreProvider.Sqlite) return new StoreUnderTest(new StoreOptions());
        var server = await servers.PostgreSql;
        return new StoreUnderTest(new StoreOptions { Provider = provider, ConnectionString = server.ConnectionString(await server.CreateDatabaseAsync(CancellationToken.None)) });
    }

    public void Migrate() => Store.Migrate(options, directory.Path);

    public async Task<TenantId> AddTenant()
    {
        var tenant = PrefixedId.New<TenantId>();
        await Db.Execute("insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'a tenant', 200, 1000, now_ms())", CancellationToken.None, ("id", tenant.Value));
        return tenant;
    }

    public void Dispose()
    {
        db?.Dispose();
        directory.Dispose();
    }
}
