using System.Security.Cryptography;
using MailApi.Api;
using MailApi.Mail.Dkim;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>The key pairs behind the selectors. A private key is at rest only sealed, bound to its row.</summary>
internal static class DkimKeys
{
    private const string Table = "dkim_keys";
    private const string PrivateColumn = "private_key";

    /// <summary>The first selector of a domain; those of later keys count on.</summary>
    public const string FirstSelector = "ma1";

    /// <summary>Makes a key pair (RSA, about 100 ms of CPU) and the statement that stores it as active.</summary>
    public static Statement Create(TenantId tenant, DomainId domain, string selector, Vault vault)
    {
        using var key = SigningKey.Generate();
        var id = Guid.CreateVersion7();
        var secret = key.ExportPrivate();
        try
        {
            return new Statement("""
                insert into dkim_keys (id, tenant_id, domain_id, selector, algorithm, state, public_key, private_key, created_at)
                values (@id, @tenant, @domain, @selector, 'rsa', 'active', @public, @private, now_ms())
                """,
                ("id", id), ("tenant", tenant.Value), ("domain", domain.Value), ("selector", selector),
                ("public", key.ExportPublic()), ("private", vault.Seal(secret, Table, id, PrivateColumn)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>The signers of a domain's active keys, opened.</summary>
    /// <exception cref="CryptographicException">A key was sealed under another key-encryption key, or moved.</exception>
    public static async Task<IReadOnlyList<Signer>> Signers(Db db, Vault vault, TimeProvider time, DomainId domain, CancellationToken ct) =>
        await db.Query("""
            select k.id, k.selector, k.private_key, d.name
            from dkim_keys k join domains d on d.id = k.domain_id
            where k.domain_id = @domain and k.state = 'active'
            order by k.created_at, k.selector
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
