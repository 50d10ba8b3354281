using System.Security.Cryptography;
using MailApi.Storage;

namespace MailApi.Tenants;

/// <summary>The operator's key: the configured one, or one that was generated at the first start and whose hash the store keeps.</summary>
internal sealed class OperatorKey(AdminOptions options, Db db)
{
    private const string Setting = "operator-key-hash";
    private byte[]? hash;

    /// <summary>Makes the key known to this process, before the first request; answers it when it was generated now, to be shown once.</summary>
    public async Task<string?> Start(CancellationToken ct)
    {
        if (options.Key is not null)
        {
            hash = ApiKey.Hash(options.Key);
            return null;
        }
        var generated = "mk_admin_" + RandomNumberGenerator.GetHexString(64, lowercase: true);
        var made = await db.Execute("insert into settings (name, value) values (@name, @value) on conflict do nothing", ct, ("name", Setting), ("value", ApiKey.Hash(generated)));
        hash = (await db.Query("select value from settings where name = @name", row => row.Bytes(0), ct, ("name", Setting)))[0];
        return made == 1 ? generated : null;
    }

    /// <summary>Compared in constant time.</summary>
    public bool Is(string key) => hash is not null && CryptographicOperations.FixedTimeEquals(ApiKey.Hash(key), hash);
}
