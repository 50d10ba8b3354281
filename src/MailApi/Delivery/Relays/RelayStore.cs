using System.Data.Common;
using System.Text;
using MailApi.Api;
using MailApi.Mail.Routing;
using MailApi.OAuth;
using MailApi.Storage;

namespace MailApi.Delivery.Relays;

/// <summary>The relays in the store. Their secrets are sealed before they reach it.</summary>
internal sealed class RelayStore(Db db, Vault vault) : IRefreshTokens<Relay>
{
    /// <summary>Of one tenant, or of everyone.</summary>
    public const int RelaysMax = 100;

    private const string Table = "relays";

    /// <summary>The secrets, for a rotation of the key that seals them.</summary>
    public static readonly IReadOnlyList<SealedColumn> Sealed = [new(Table, "id", "password"), new(Table, "id", "client_secret"), new(Table, "id", "refresh_token")];

    private const string Select = """
        select id, tenant_id, name, host, port, tls, auth, username, password, oauth_provider, oauth_grant, oauth_endpoint, oauth_directory, oauth_client_id, oauth_scope,
            client_secret, refresh_token, domain, category, priority, weight, per_second, burst, connections, messages_per_connection, enabled, revision, created_at, changed_at
        from relays
        """;

    /// <summary>False when the owner has <see cref="RelaysMax"/>; requests at the same instant may exceed it.</summary>
    public Task<bool> Create(Relay relay, CancellationToken ct)
    {
        const string sql = """
            insert into relays (id, tenant_id, name, host, port, tls, auth, username, password, oauth_provider, oauth_grant, oauth_endpoint, oauth_directory, oauth_client_id, oauth_scope,
                client_secret, refresh_token, domain, category, priority, weight, per_second, burst, connections, messages_per_connection, enabled, revision, created_at, changed_at)
            values (@id, @tenant, @name, @host, @port, @tls, @auth, @username, @password, @provider, @grant, @endpoint, @directory, @clientId, @scope,
                @clientSecret, @refreshToken, @domain, @category, @priority, @weight, @perSecond, @burst, @connections, @messages, @enabled, 1, now_ms(), now_ms())
            """;
        Act.Concerns(relay.Tenant, relay.Id.ToString());
        return db.WriteAs(relay.Tenant, async transaction =>
        {
            var count = await transaction.Query($"select count(*) from relays where {Owner(relay.Tenant)}", row => row.GetInt64(0), ct, [.. OwnerArgs(relay.Tenant)]);
            if (count[0] >= RelaysMax) return false;
            await transaction.Execute(sql, ct, [("tenant", relay.Tenant?.Value), ("domain", relay.Domain), ("category", relay.Category?.ToText()), .. Args(relay)]);
            return true;
        }, ct);
    }

    /// <summary>A relay of <paramref name="tenant"/>; of anyone when <paramref name="ofAnyone"/>, which is for the operator alone.</summary>
    public async Task<Relay?> Find(RelayId id, TenantId? tenant, bool ofAnyone, CancellationToken ct)
    {
        var found = tenant is { } one && !ofAnyone
            ? await db.QueryAs(one, Select + " where id = @id and tenant_id = @tenant", Read, ct, ("id", id.Value), ("tenant", one.Value))
            : await db.Query(Select + " where id = @id", Read, ct, ("id", id.Value));
        return found.SingleOrDefault();
    }

    /// <summary>A tenant's relays, or those of everyone, in the order in which they were made.</summary>
    public Task<List<Relay>> List(TenantId? tenant, CancellationToken ct) => tenant is { } one
        ? db.QueryAs(one, Select + " where tenant_id = @tenant order by id", Read, ct, ("tenant", one.Value))
        : db.Query(Select + " where tenant_id is null order by id", Read, ct);

    /// <summary>Who has relays that are enabled; null stands for everyone.</summary>
    public Task<List<TenantId?>> Owners(CancellationToken ct) =>
        db.Query("select distinct tenant_id from relays where enabled", row => row.GuidOrNull(0) is { } id ? new TenantId(id) : (TenantId?)null, ct);

    /// <summary>Writes all settings but the scope of use. False when the relay was changed or removed meanwhile.</summary>
    public async Task<bool> Change(Relay relay, CancellationToken ct)
    {
        var sql = $"""
            update relays set name = @name, host = @host, port = @port, tls = @tls, auth = @auth, username = @username, password = @password,
                oauth_provider = @provider, oauth_grant = @grant, oauth_endpoint = @endpoint, oauth_directory = @directory, oauth_client_id = @clientId, oauth_scope = @scope,
                client_secret = @clientSecret, refresh_token = @refreshToken, priority = @priority, weight = @weight, per_second = @perSecond, burst = @burst,
                connections = @connections, messages_per_connection = @messages, enabled = @enabled, revision = revision + 1, changed_at = now_ms()
            where id = @id and revision = @revision and {Owner(relay.Tenant)}
            """;
        return await db.ExecuteAs(relay.Tenant, sql, ct, [("revision", relay.Revision), .. OwnerArgs(relay.Tenant), .. Args(relay)]) == 1;
    }

    public async Task<bool> Remove(Relay relay, CancellationToken ct) =>
        await db.ExecuteAs(relay.Tenant, $"delete from relays where id = @id and {Owner(relay.Tenant)}", ct, [("id", relay.Id.Value), .. OwnerArgs(relay.Tenant)]) == 1;

    public async Task<string?> RefreshToken(Relay relay, CancellationToken ct)
    {
        var found = await db.Query("select refresh_token from relays where id = @id", row => row.BytesOrNull(0), ct, ("id", relay.Id.Value));
        return found is [{ } sealedToken] ? Open(sealedToken, relay.Id, "refresh_token") : null;
    }

    public Task Rotate(Relay relay, string refreshToken, CancellationToken ct) => db.ExecuteAs(relay.Tenant, """
        update relays set refresh_token = @token, revision = revision + 1 where id = @id and changed_at = @changed
        """, ct, ("id", relay.Id.Value), ("changed", relay.ChangedAt.ToUnixTimeMilliseconds()), ("token", Seal(refreshToken, relay.Id, "refresh_token")));

    private static string Owner(TenantId? tenant) => tenant is null ? "tenant_id is null" : "tenant_id = @tenant";

    private static IEnumerable<(string, object?)> OwnerArgs(TenantId? tenant) => tenant is { } one ? [("tenant", one.Value)] : [];

    private IEnumerable<(string, object?)> Args(Relay relay) =>
    [
        ("id", relay.Id.Value), ("name", relay.Name), ("host", relay.Host), ("port", relay.Port), ("tls", relay.Tls.ToText()),
        ("auth", relay.Auth is { } auth ? RelayAuthText.ToText(auth) : null), ("username", relay.Username), ("password", Seal(relay.Password, relay.Id, "password")),
        ("provider", relay.OAuth?.Provider.ToText()), ("grant", relay.OAuth?.Grant.ToText()), ("endpoint", relay.OAuth?.TokenEndpoint), ("directory", relay.OAuth?.Directory),
        ("clientId", relay.OAuth?.ClientId), ("scope", relay.OAuth?.Scope), ("clientSecret", Seal(relay.OAuth?.ClientSecret, relay.Id, "client_secret")),
        ("refreshToken", Seal(relay.OAuth?.RefreshToken, relay.Id, "refresh_token")), ("priority", relay.Priority), ("weight", relay.Weight),
        ("perSecond", relay.Limits.PerSecond), ("burst", relay.Limits.Burst), ("connections", relay.Limits.Connections), ("messages", relay.Limits.MessagesPerConnection),
        ("enabled", relay.Enabled),
    ];

    private byte[]? Seal(string? secret, RelayId id, string column) => secret is null ? null : vault.Seal(Encoding.UTF8.GetBytes(secret), Table, id.Value, column);

    private string Open(byte[] sealedValue, RelayId id, string column) => Encoding.UTF8.GetString(vault.Open(sealedValue, Table, id.Value, column));

    private Relay Read(DbDataReader row)
    {
        var id = new RelayId(row.GetGuid(0));
        return new Relay
        {
            Id = id,
            Tenant = row.GuidOrNull(1) is { } tenant ? new TenantId(tenant) : null,
            Name = row.GetString(2),
            Host = row.GetString(3),
            Port = row.GetInt32(4),
            Tls = EnumText.Parse<RelayTls>(row.GetString(5)),
            Auth = RelayAuthText.TryParse(row.TextOrNull(6), out var auth) ? auth : null,
            Username = row.TextOrNull(7),
            Password = row.BytesOrNull(8) is { } password ? Open(password, id, "password") : null,
            OAuth = row.IsDBNull(9) ? null : ReadOAuth(row, id),
            Domain = row.TextOrNull(17),
            Category = row.TextOrNull(18) is { } category ? EnumText.Parse<Category>(category) : null,
            Priority = row.GetInt32(19),
            Weight = row.GetInt32(20),
            Limits = new RelayLimits
            {
                PerSecond = row.IsDBNull(21) ? null : row.GetDouble(21),
                Burst = row.IntOrNull(22),
                Connections = row.IntOrNull(23),
                MessagesPerConnection = row.IntOrNull(24),
            },
            Enabled = row.GetBoolean(25),
            Revision = row.GetInt32(26),
            CreatedAt = row.Instant(27),
            ChangedAt = row.Instant(28),
        };
    }

    private OAuthClient ReadOAuth(DbDataReader row, RelayId id) => new()
    {
        Provider = EnumText.Parse<OAuthProvider>(row.GetString(9)),
        Grant = EnumText.Parse<OAuthGrant>(row.GetString(10)),
        TokenEndpoint = row.TextOrNull(11),
        Directory = row.TextOrNull(12),
        ClientId = row.GetString(13),
        Scope = row.TextOrNull(14),
        ClientSecret = row.BytesOrNull(15) is { } secret ? Open(secret, id, "client_secret") : null,
        RefreshToken = row.BytesOrNull(16) is { } token ? Open(token, id, "refresh_token") : null,
    };
}
