using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using MailApi.Api;
using MailApi.Storage;
using Microsoft.Data.Sqlite;

namespace MailApi.Tests.Domains;

/// <summary>A store of its own for one test: a SQLite file with the service's schema, gone afterwards.</summary>
internal sealed class SqliteStore : IDisposable
{
    private readonly string path = Path.Combine(Path.GetTempPath(), $"mailapi-{Guid.CreateVersion7():N}.db");
    private readonly Source source;

    private SqliteStore()
    {
        source = new Source($"Data Source={path};Pooling=False");
        Db = new Db(source, SqlDialect.Sqlite);
    }

    public Db Db { get; }
    public Vault Vault { get; } = new(new byte[Vault.KeyBytes]);

    public static async Task<SqliteStore> Create(CancellationToken ct)
    {
        var store = new SqliteStore();
        var assembly = typeof(Db).Assembly;
        var scripts = assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal) && !name.EndsWith("-postgresql.sql", StringComparison.Ordinal));
        foreach (var name in scripts.Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            await store.Db.Execute((await reader.ReadToEndAsync(ct)).Replace("$identity$", "integer primary key autoincrement").Replace("$transaction$", "0"), ct);
        }
        return store;
    }

    public async Task<TenantId> AddTenant(CancellationToken ct)
    {
        var tenant = PrefixedId.New<TenantId>();
        await Db.Execute("insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'a tenant', 200, 1000, now_ms())", ct, ("id", tenant.Value));
        return tenant;
    }

    public async Task<EnvelopeId> AddEnvelope(TenantId tenant, DomainId domain, Category category, string recipient, string state, CancellationToken ct)
    {
        var envelope = PrefixedId.New<EnvelopeId>();
        await Db.Execute("""
            insert into envelopes (id, message_id, tenant_id, domain_id, category, test, recipient, recipient_domain, smtp_utf8, state, due_at, seq, created_at, expires_at, updated_at)
            values (@id, @message, @tenant, @domain, @category, false, @recipient, 'example.net', false, @state, 0, 2, 0, 0, 0)
            """, ct, ("id", envelope.Value), ("message", Guid.CreateVersion7()), ("tenant", tenant.Value), ("domain", domain.Value),
            ("category", category.ToText()), ("recipient", recipient), ("state", state));
        return envelope;
    }

    /// <summary>The tenant's events, type and data.</summary>
    public Task<List<(string Type, string Data)>> Events(TenantId tenant, CancellationToken ct) =>
        Db.Query("select type, data from events where tenant_id = @tenant order by position", row => (row.GetString(0), row.GetString(1)), ct, ("tenant", tenant.Value));

    public void Dispose()
    {
        Db.Dispose();
        source.Dispose();
        File.Delete(path);
    }

    private sealed class Source(string connectionString) : DbDataSource
    {
        public override string ConnectionString => connectionString;

        [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The caller owns the connection.")]
        protected override DbConnection CreateDbConnection()
        {
            var connection = new SqliteConnection(connectionString);
            connection.CreateFunction("now_ms", () => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            connection.CreateFunction("events_horizon", () => 1L);
            return connection;
        }
    }
}
