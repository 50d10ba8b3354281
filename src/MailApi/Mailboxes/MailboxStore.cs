using System.Data.Common;
using System.Text;
using MailApi.Api;
using MailApi.Mail.Mailboxes;
using MailApi.OAuth;
using MailApi.Storage;

namespace MailApi.Mailboxes;

/// <summary>The mailboxes in the store. Their secrets are sealed before they reach it.</summary>
internal sealed class MailboxStore(Db db, Vault vault) : IRefreshTokens<Mailbox>
{
    private const string Table = "mailboxes";

    /// <summary>The secrets, for a rotation of the key that seals them.</summary>
    public static readonly IReadOnlyList<SealedColumn> Sealed = [new(Table, "domain_id", "password"), new(Table, "domain_id", "client_secret"), new(Table, "domain_id", "refresh_token")];

    private const string Select = """
        select domain_id, tenant_id, protocol, host, port, tls, auth, username, password, oauth_provider, oauth_grant, oauth_endpoint, oauth_directory, oauth_client_id, oauth_scope,
            client_secret, refresh_token, folder, after_taking, move_to, revision, created_at, changed_at, last_connected_at, last_error, last_error_at, processed
        from mailboxes
        """;

    /// <summary>Names a domain's mailbox, in the place of one that it has. What is remembered of messages stays only as long as they are the same ones.</summary>
    public Task Put(Mailbox mailbox, CancellationToken ct)
    {
        const string moved = """
            delete from mailbox_messages where domain_id = @id and not exists (
                select 1 from mailboxes where domain_id = @id and protocol = @protocol and host = @host and port = @port and username = @username and folder = @folder)
            """;
        const string put = """
            insert into mailboxes (domain_id, tenant_id, protocol, host, port, tls, auth, username, password, oauth_provider, oauth_grant, oauth_endpoint, oauth_directory,
                oauth_client_id, oauth_scope, client_secret, refresh_token, folder, after_taking, move_to, revision, created_at, changed_at)
            values (@id, @tenant, @protocol, @host, @port, @tls, @auth, @username, @password, @provider, @grant, @endpoint, @directory,
                @clientId, @scope, @clientSecret, @refreshToken, @folder, @after, @moveTo, 1, now_ms(), now_ms())
            on conflict (domain_id) do update set protocol = @protocol, host = @host, port = @port, tls = @tls, auth = @auth, username = @username, password = @password,
                oauth_provider = @provider, oauth_grant = @grant, oauth_endpoint = @endpoint, oauth_directory = @directory, oauth_client_id = @clientId, oauth_scope = @scope,
                client_secret = @clientSecret, refresh_token = @refreshToken, folder = @folder, after_taking = @after, move_to = @moveTo,
                revision = mailboxes.revision + 1, changed_at = now_ms(), last_error = null, last_error_at = null
            """;
        return db.WriteAs(mailbox.Tenant, async transaction =>
        {
            await transaction.Execute(moved, ct, ("id", mailbox.Domain.Value), ("protocol", mailbox.Protocol.ToText()), ("host", mailbox.Host), ("port", mailbox.Port),
                ("username", mailbox.Username), ("folder", mailbox.Folder));
            return await transaction.Execute(put, ct, [.. Args(mailbox)]);
        }, ct);
    }

    /// <summary>For a caller who may know of the domain.</summary>
    public async Task<Mailbox?> Find(DomainId domain, TenantId tenant, CancellationToken ct) =>
        (await db.QueryAs(tenant, Select + " where domain_id = @id and tenant_id = @tenant", Read, ct, ("id", domain.Value), ("tenant", tenant.Value))).SingleOrDefault();

    /// <summary>For the service itself.</summary>
    public async Task<Mailbox?> Find(DomainId domain, CancellationToken ct) => (await db.Query(Select + " where domain_id = @id", Read, ct, ("id", domain.Value))).SingleOrDefault();

    public async Task<bool> Remove(DomainId domain, TenantId tenant, CancellationToken ct) =>
        await db.ExecuteAs(tenant, "delete from mailboxes where domain_id = @id and tenant_id = @tenant", ct, ("id", domain.Value), ("tenant", tenant.Value)) == 1;

    public async Task<string?> RefreshToken(Mailbox mailbox, CancellationToken ct)
    {
        var found = await db.Query("select refresh_token from mailboxes where domain_id = @id", row => row.BytesOrNull(0), ct, ("id", mailbox.Domain.Value));
        return found is [{ } sealedToken] ? Open(sealedToken, mailbox.Domain, "refresh_token") : null;
    }

    public Task Rotate(Mailbox mailbox, string refreshToken, CancellationToken ct) => db.ExecuteAs(mailbox.Tenant, """
        update mailboxes set refresh_token = @token where domain_id = @id and revision = @revision
        """, ct, ("id", mailbox.Domain.Value), ("revision", mailbox.Revision), ("token", Seal(refreshToken, mailbox.Domain, "refresh_token")));

    private IEnumerable<(string, object?)> Args(Mailbox mailbox) =>
    [
        ("id", mailbox.Domain.Value), ("tenant", mailbox.Tenant.Value), ("protocol", mailbox.Protocol.ToText()), ("host", mailbox.Host), ("port", mailbox.Port), ("tls", mailbox.Tls.ToText()),
        ("auth", mailbox.Auth.ToText()), ("username", mailbox.Username), ("password", Seal(mailbox.Password, mailbox.Domain, "password")),
        ("provider", mailbox.OAuth?.Provider.ToText()), ("grant", mailbox.OAuth?.Grant.ToText()), ("endpoint", mailbox.OAuth?.TokenEndpoint), ("directory", mailbox.OAuth?.Directory),
        ("clientId", mailbox.OAuth?.ClientId), ("scope", mailbox.OAuth?.Scope), ("clientSecret", Seal(mailbox.OAuth?.ClientSecret, mailbox.Domain, "client_secret")),
        ("refreshToken", Seal(mailbox.OAuth?.RefreshToken, mailbox.Domain, "refresh_token")), ("folder", mailbox.Folder), ("after", mailbox.After.ToText()), ("moveTo", mailbox.MoveTo),
    ];

    private byte[]? Seal(string? secret, DomainId domain, string column) => secret is null ? null : vault.Seal(Encoding.UTF8.GetBytes(secret), Table, domain.Value, column);

    private string Open(byte[] sealedValue, DomainId domain, string column) => Encoding.UTF8.GetString(vault.Open(sealedValue, Table, domain.Value, column));

    private Mailbox Read(DbDataReader row)
    {
        var domain = new DomainId(row.GetGuid(0));
        return new Mailbox
        {
            Domain = domain,
            Tenant = new TenantId(row.GetGuid(1)),
            Protocol = EnumText.Parse<MailboxProtocol>(row.GetString(2)),
            Host = row.GetString(3),
            Port = row.GetInt32(4),
            Tls = EnumText.Parse<MailboxTls>(row.GetString(5)),
            Auth = EnumText.Parse<MailboxAuth>(row.GetString(6)),
            Username = row.GetString(7),
            Password = row.BytesOrNull(8) is { } password ? Open(password, domain, "password") : null,
            OAuth = row.IsDBNull(9) ? null : ReadOAuth(row, domain),
            Folder = row.GetString(17),
            After = EnumText.Parse<AfterTaking>(row.GetString(18)),
            MoveTo = row.GetString(19),
            Revision = row.GetInt32(20),
            CreatedAt = row.Instant(21),
            ChangedAt = row.Instant(22),
            State = new MailboxState(row.InstantOrNull(23), row.TextOrNull(24), row.InstantOrNull(25), row.GetInt64(26)),
        };
    }

    private OAuthClient ReadOAuth(DbDataReader row, DomainId domain) => new()
    {
        Provider = EnumText.Parse<OAuthProvider>(row.GetString(9)),
        Grant = EnumText.Parse<OAuthGrant>(row.GetString(10)),
        TokenEndpoint = row.TextOrNull(11),
        Directory = row.TextOrNull(12),
        ClientId = row.GetString(13),
        Scope = row.TextOrNull(14),
        ClientSecret = row.BytesOrNull(15) is { } secret ? Open(secret, domain, "client_secret") : null,
        RefreshToken = row.BytesOrNull(16) is { } token ? Open(token, domain, "refresh_token") : null,
    };
}
