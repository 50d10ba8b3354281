using System.Data.Common;
using System.Globalization;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Storage;

namespace MailApi.Domains;

/// <summary>What became of a step in a key's life.</summary>
internal abstract record KeyStep
{
    public sealed record Done(string Selector) : KeyStep;

    /// <summary>The step does not fit the key's state, or the other keys'.</summary>
    public sealed record Refused(string Reason) : KeyStep;

    public sealed record NoSuchKey : KeyStep;
}

/// <summary>
/// The life of signing keys: <c>pending → active → retiring → revoked</c>. A new key signs only once its record has been seen, and the one it
/// follows stays published until no mail that it signed can still be under way: no rotation leaves mail signed with a key that a receiver cannot
/// find.
/// </summary>
internal sealed class DkimRotation(Db db, Vault vault, SendingDomains sending, TimeProvider time)
{
    /// <summary>How long a retired key stays published: as long as its signatures are valid.</summary>
    public static readonly TimeSpan Retiring = Signer.Validity;

    /// <summary>How long the record of a revoked key is listed, with an empty <c>p=</c>.</summary>
    public static readonly TimeSpan Revoked = TimeSpan.FromDays(30);

    /// <summary>How long a revoked key's selector is not used again: until then receivers may have the old record in their caches.</summary>
    public static readonly TimeSpan SelectorRest = TimeSpan.FromDays(1);

    /// <summary>Of one domain, whatever their state.</summary>
    public const int KeysMax = 10;

    /// <summary>Makes a key that will follow the active one of its algorithm, or be the first.</summary>
    public async Task<KeyStep> Rotate(Domain domain, KeyAlgorithm algorithm, CancellationToken ct)
    {
        if (NotNow(domain, algorithm) is { } refusal) return refusal;
        using var key = await DkimKeys.Generate(algorithm, ct);
        return await Add(domain, FreeSelector(domain, algorithm), key, ct);
    }

    /// <summary>Takes a key that was made elsewhere; like a new one it waits for its record.</summary>
    public async Task<KeyStep> Import(Domain domain, string selector, SigningKey key, CancellationToken ct)
    {
        if (domain.Keys.Any(other => other.Selector == selector && IsInUse(other)))
            return new KeyStep.Refused($"The selector {selector} is in use, or was so a day ago; name another.");
        if (DomainRecords.KeyName(selector, domain.Name).Length > DomainName.OctetsMax)
            return new KeyStep.Refused($"{DomainRecords.KeyName(selector, domain.Name)} is longer than {DomainName.OctetsMax} octets and cannot exist; name a shorter selector.");
        return NotNow(domain, DkimKeys.AlgorithmOf(key)) ?? await Add(domain, selector, key, ct);
    }

    /// <summary>A pending key begins to sign, and the active one of its algorithm retires. Whoever calls has seen the record, or vouches for it.</summary>
    public async Task<KeyStep> Activate(Domain domain, string selector, CancellationToken ct)
    {
        var (activated, exists) = await db.WriteAs(domain.Tenant, async transaction =>
        {
            var found = await transaction.Query("select 1 from dkim_keys where domain_id = @domain and tenant_id = @tenant and selector = @selector",
                _ => true, ct, ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value), ("selector", selector));
            return (await Activate(transaction, domain, selector, ct), found.Count > 0);
        }, ct);
        if (activated)
        {
            sending.Forget(domain);
            return new KeyStep.Done(selector);
        }
        return exists ? new KeyStep.Refused($"The key {selector} is not pending.") : new KeyStep.NoSuchKey();
    }

    /// <summary>Within the transaction of a check that saw the record.</summary>
    public static async Task<bool> Activate(DbTransaction transaction, Domain domain, string selector, CancellationToken ct)
    {
        var activated = await transaction.Execute("""
            update dkim_keys set state = 'active', activated_at = now_ms()
            where domain_id = @domain and tenant_id = @tenant and selector = @selector and state = 'pending'
            """, ct, ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value), ("selector", selector));
        if (activated == 0) return false;
        await transaction.Execute("""
            update dkim_keys set state = 'retiring', retired_at = now_ms()
            where domain_id = @domain and tenant_id = @tenant and state = 'active' and selector <> @selector
              and algorithm = (select k.algorithm from dkim_keys k where k.domain_id = @domain and k.selector = @selector)
            """, ct, ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value), ("selector", selector));
        return true;
    }

    /// <summary>Ends a key at once, as when it was stolen. The one key that signs must be followed first.</summary>
    public async Task<KeyStep> Revoke(Domain domain, string selector, CancellationToken ct)
    {
        if (domain.Keys.FirstOrDefault(key => key.Selector == selector) is not { } key) return new KeyStep.NoSuchKey();
        if (key.State == KeyState.Revoked) return new KeyStep.Refused($"The key {selector} is revoked already.");
        if (key is { State: KeyState.Active, Algorithm: KeyAlgorithm.Rsa })
            return new KeyStep.Refused($"{selector} is the key that signs. POST /domains/{domain.Id}/dkim/rotate first, publish the new record, and revoke this one then.");
        // The key that was pending when it was read may be the one that signs by now.
        var revoked = await db.ExecuteAs(domain.Tenant, """
            update dkim_keys set state = 'revoked', revoked_at = now_ms(), lost_at = null, private_key = @nothing
            where domain_id = @domain and tenant_id = @tenant and selector = @selector and state = @was
            """, ct, ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value), ("selector", selector), ("was", key.State.ToText()), ("nothing", Array.Empty<byte>()));
        if (revoked == 0) return new KeyStep.Refused($"The key {selector} has just changed its state. GET /domains/{domain.Id} shows it; try again then.");
        sending.Forget(domain);
        return new KeyStep.Done(selector);
    }

    /// <summary>Ends what has retired long enough, and forgets what was revoked long ago.</summary>
    public async Task EndOld(CancellationToken ct)
    {
        await db.Execute("""
            update dkim_keys set state = 'revoked', revoked_at = now_ms(), private_key = @nothing
            where state = 'retiring' and retired_at < now_ms() - @retiring
            """, ct, ("nothing", Array.Empty<byte>()), ("retiring", (long)Retiring.TotalMilliseconds));
        await db.Execute("delete from dkim_keys where state = 'revoked' and revoked_at < now_ms() - @revoked", ct, ("revoked", (long)Revoked.TotalMilliseconds));
    }

    private async Task<KeyStep> Add(Domain domain, string selector, SigningKey key, CancellationToken ct)
    {
        var algorithm = DkimKeys.AlgorithmOf(key);
        var insert = DkimKeys.Insert(domain.Tenant, domain.Id, selector, key, KeyState.Pending, vault);
        var (exists, added) = await db.WriteAs(domain.Tenant, async transaction =>
        {
            // Its record may be there within the minute. This locks the domain's row: of two rotations at once the second sees the first one's key.
            var found = await transaction.Execute("update domains set next_check_at = now_ms() where id = @domain and tenant_id = @tenant", ct,
                ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value));
            var others = await transaction.Query("select selector, algorithm, state from dkim_keys where domain_id = @domain and tenant_id = @tenant and state <> 'revoked'",
                row => (Selector: row.GetString(0), IsPending: row.GetString(1) == algorithm.ToText() && row.GetString(2) == KeyState.Pending.ToText()),
                ct, ("domain", domain.Id.Value), ("tenant", domain.Tenant.Value));
            if (found == 0 || others.Any(other => other.Selector == selector || other.IsPending)) return (found > 0, false);
            await transaction.Run([.. insert], null, ct);
            return (true, true);
        }, ct);
        if (!exists) return new KeyStep.NoSuchKey();
        return added ? new KeyStep.Done(selector) : new KeyStep.Refused($"Another key was made at the same time. GET /domains/{domain.Id} shows it.");
    }

    private static KeyStep.Refused? NotNow(Domain domain, KeyAlgorithm algorithm)
    {
        if (domain.Keys.FirstOrDefault(key => key.State == KeyState.Pending && key.Algorithm == algorithm) is { } pending)
            return new KeyStep.Refused($"The key {pending.Selector} already waits for its record. Publish it, or revoke that key.");
        return domain.Keys.Count >= KeysMax ? new KeyStep.Refused($"The domain has {KeysMax} keys; the oldest must end first.") : null;
    }

    /// <summary>The lowest number that is free: with two names published as aliases, rotation needs nobody's hand.</summary>
    private string FreeSelector(Domain domain, KeyAlgorithm algorithm)
    {
        var used = domain.Keys.Where(IsInUse).Select(key => key.Selector).ToHashSet();
        return Enumerable.Range(1, KeysMax + 1).Select(number => DkimKeys.SelectorPrefix(algorithm) + number.ToString(CultureInfo.InvariantCulture))
            .First(selector => !used.Contains(selector));
    }

    private bool IsInUse(DkimKey key) => key.State != KeyState.Revoked || key.RevokedAt > time.GetUtcNow() - SelectorRest;
}
