using System.Security.Cryptography;
using System.Text;

namespace MailApi.Storage;

/// <summary>The two sealed values that belong to the store as a whole: the root of derived keys, and the one by which a process knows that it holds the right key.</summary>
internal sealed class SealedSettings(Db db, Vault vault)
{
    private const string Table = "settings";
    private const string Check = "key-encryption-key-check";
    private const string Root = "derivation-root";

    /// <summary>Makes them where they are missing, and opens them.</summary>
    /// <exception cref="CryptographicException">They are sealed under a key that this process does not have.</exception>
    public async Task Open(CancellationToken ct)
    {
        var isNew = await Add(Check, Encoding.UTF8.GetBytes(Check), ct);
        var check = await Value(Check, ct);
        var former = vault.RootBehind(check, Table, Guid.Empty, Check);
        // A store that is older than its root has links and return paths out there whose keys came from its key-encryption key: they must go on.
        await Add(Root, isNew ? RandomNumberGenerator.GetBytes(Vault.KeyBytes) : former, ct);
        vault.SetRoot(vault.Open(await Value(Root, ct), Table, Guid.Empty, Root));
    }

    /// <summary>Whether the present key seals them; not when no key of this process opens them any more.</summary>
    public async Task<bool> AreUnderPresentKey(CancellationToken ct)
    {
        try
        {
            return vault.Reseal(await Value(Root, ct), Table, Guid.Empty, Root) is null && vault.Reseal(await Value(Check, ct), Table, Guid.Empty, Check) is null;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Seals them under the present key, the check last: from then on a process without the previous keys may start. False when nothing was left to do.</summary>
    public async Task<bool> Reseal(CancellationToken ct)
    {
        var changed = 0;
        foreach (var name in new[] { Root, Check })
        {
            var value = await Value(name, ct);
            if (vault.Reseal(value, Table, Guid.Empty, name) is not { } anew) continue;
            changed += await db.Execute("update settings set value = @anew where name = @name and value = @value", ct, ("name", name), ("value", value), ("anew", anew));
        }
        return changed > 0;
    }

    private async Task<bool> Add(string name, byte[] secret, CancellationToken ct) => await db.Execute(
        "insert into settings (name, value) values (@name, @value) on conflict do nothing", ct, ("name", name), ("value", vault.Seal(secret, Table, Guid.Empty, name))) == 1;

    private async Task<byte[]> Value(string name, CancellationToken ct) =>
        (await db.Query("select value from settings where name = @name", row => row.Bytes(0), ct, ("name", name)))[0];
}
