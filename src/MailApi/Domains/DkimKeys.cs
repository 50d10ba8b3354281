using System.Data.Common;
using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Mail.Dkim;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>The rows of the key pairs behind the selectors. A private key is at rest only sealed, bound to its row.</summary>
internal static class DkimKeys
{
    private const string Table = "dkim_keys";
    private const string PrivateColumn = "private_key";
    private static readonly SemaphoreSlim Generating = new(1);

    /// <summary>The secrets, for a rotation of the key that seals them.</summary>
    public static readonly SealedColumn Sealed = new(Table, "id", PrivateColumn);

    /// <summary>The columns that <see cref="Read"/> expects, from the fourth on.</summary>
    public const string Columns = "selector, algorithm, state, public_key, created_at, activated_at, retired_at, revoked_at, lost_at";

    /// <summary>What the selectors made here begin with; a number follows.</summary>
    public static string SelectorPrefix(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.Rsa ? "ma" : "mae";

    /// <summary>Makes a key pair (RSA: about 100 ms of CPU), one at a time: whoever asks for many keeps one core busy.</summary>
    public static async Task<SigningKey> Generate(KeyAlgorithm algorithm, CancellationToken ct)
    {
        await Generating.WaitAsync(ct);
        try
        {
            return SigningKey.Generate(algorithm == KeyAlgorithm.Rsa ? SigningAlgorithm.RsaSha256 : SigningAlgorithm.Ed25519Sha256);
        }
        finally
        {
            Generating.Release();
        }
    }

    public static KeyAlgorithm AlgorithmOf(SigningKey key) => key.Algorithm == SigningAlgorithm.RsaSha256 ? KeyAlgorithm.Rsa : KeyAlgorithm.Ed25519;

    /// <summary>The statements that store a key pair. A revoked key of the same selector gives way; to another the new one does, silently.</summary>
    public static IEnumerable<Statement> Insert(TenantId tenant, DomainId domain, string selector, SigningKey key, KeyState state, Vault vault)
    {
        var id = Guid.CreateVersion7();
        var secret = key.ExportPrivate();
        try
        {
            return
            [
                new Statement("delete from dkim_keys where domain_id = @domain and tenant_id = @tenant and selector = @selector and state = 'revoked'",
                    ("domain", domain.Value), ("tenant", tenant.Value), ("selector", selector)),
                new Statement("""
                    insert into dkim_keys (id, tenant_id, domain_id, selector, algorithm, state, public_key, private_key, created_at, activated_at)
                    values (@id, @tenant, @domain, @selector, @algorithm, @state, @public, @private, now_ms(), case when @state = 'active' then now_ms() end)
                    on conflict (domain_id, selector) do nothing
                    """,
                    ("id", id), ("tenant", tenant.Value), ("domain", domain.Value), ("selector", selector), ("algorithm", AlgorithmOf(key).ToText()),
                    ("state", state.ToText()), ("public", key.ExportPublic()), ("private", vault.Seal(secret, Table, id, PrivateColumn))),
            ];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Reads <see cref="Columns"/> behind <paramref name="first"/> others.</summary>
    public static DkimKey Read(DbDataReader row, int first) => new()
    {
        Selector = row.GetString(first),
        Algorithm = EnumText.Parse<KeyAlgorithm>(row.GetString(first + 1)),
        State = EnumText.Parse<KeyState>(row.GetString(first + 2)),
        Public = row.Bytes(first + 3),
        CreatedAt = row.Instant(first + 4),
        ActivatedAt = row.InstantOrNull(first + 5),
        RetiredAt = row.InstantOrNull(first + 6),
        RevokedAt = row.InstantOrNull(first + 7),
        LostAt = row.InstantOrNull(first + 8),
    };

    /// <summary>The signers of a domain's active keys whose records were not found missing, opened.</summary>
    /// <exception cref="CryptographicException">A key was sealed under another key-encryption key, or moved.</exception>
    public static async Task<IReadOnlyList<Signer>> Signers(Db db, Vault vault, TimeProvider time, DomainId domain, CancellationToken ct) =>
        await db.Query("""
            select k.id, k.selector, k.private_key, d.name
            from dkim_keys k join domains d on d.id = k.domain_id
            where k.domain_id = @domain and k.state = 'active' and k.lost_at is null
            order by k.algorithm desc, k.created_at, k.selector
            """,
            row => new Signer(row.GetString(3), row.GetString(1), Open(vault, row.GetGuid(0), row.Bytes(2)), time), ct, ("domain", domain.Value));

    private static SigningKey Open(Vault vault, Guid id, byte[] sealedKey)
    {
        var secret = vault.Open(sealedKey, Table, id, PrivateColumn);
        try
        {
            return SigningKey.Import(secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
