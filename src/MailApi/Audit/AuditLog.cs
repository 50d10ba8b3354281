using System.Data.Common;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Audit;

/// <summary>
/// Every act on the service, in a chain that shows what was altered, taken out or put elsewhere. Whoever holds the store but no key can remove rows from
/// the end only by putting an older head back, which a mark kept elsewhere shows; the log of the process has each.
/// </summary>
internal sealed class AuditLog(Db db, AuditChain chain)
{
    private const int RowsAtOnce = 1_000;
    private const string Columns = "position, at, tenant_id, actor, act, subject, address";

    /// <summary>Appends an act to the chain; transactions that do take turns until they end.</summary>
    public async Task<string> Append(DbTransaction transaction, Act act, CancellationToken ct)
    {
        if (db.Dialect.TakeTurns is { } turns) await transaction.Execute(turns, ct, ("subject", "audit"));
        var head = (await transaction.Query("select position, mac from audit_head", row => (Position: row.GetInt64(0), Mac: row.Bytes(1)), ct)).FirstOrDefault((Position: 0L, Mac: AuditChain.Beginning));
        var now = (await transaction.Query("select now_ms()", row => row.Instant(0), ct))[0];
        var entry = new AuditEntry { Position = head.Position + 1, At = now, Tenant = act.Tenant, Actor = act.Actor, Act = act.Name, Subject = act.Subject, Address = act.Address };
        var mac = chain.Mac(head.Mac, entry);
        await transaction.Execute($"insert into audit ({Columns}, mac) values (@position, @at, @tenant, @actor, @act, @subject, @address, @mac)", ct,
            ("position", entry.Position), ("at", now.ToUnixTimeMilliseconds()), ("tenant", entry.Tenant?.Value), ("actor", entry.Actor), ("act", entry.Act),
            ("subject", entry.Subject), ("address", entry.Address), ("mac", mac));
        await transaction.Execute("""
            insert into audit_head (id, position, mac, seal) values (0, @position, @mac, @seal)
            on conflict (id) do update set position = excluded.position, mac = excluded.mac, seal = excluded.seal
            """, ct, ("position", entry.Position), ("mac", mac), ("seal", chain.Seal(entry.Position, mac)));
        return AuditChain.Mark(entry.Position, mac);
    }

    /// <summary>Newest first, from before <paramref name="before"/>: a tenant's, or everyone's.</summary>
    public Task<List<AuditEntry>> List(TenantId? tenant, long before, int limit, CancellationToken ct) => tenant is { } one
        ? db.QueryAs(one, $"select {Columns} from audit where tenant_id = @tenant and position < @before order by position desc limit @limit", Read, ct,
            ("tenant", one.Value), ("before", before), ("limit", limit))
        : db.Query($"select {Columns} from audit where position < @before order by position desc limit @limit", Read, ct, ("before", before), ("limit", limit));

    /// <summary>Goes through the whole chain.</summary>
    /// <param name="mark">A row that must be there as it was, from an earlier check or a line of the process's log.</param>
    public async Task<AuditVerdict> Verify((long Position, byte[] Mac)? mark, CancellationToken ct)
    {
        var head = await Head(ct);
        if (head is { } known && !AuditChain.Equal(known.Seal, chain.Seal(known.Position, known.Mac))) return Broken(0, AuditChain.Beginning, known.Position, "head");
        var (position, mac) = (0L, AuditChain.Beginning);
        var end = head?.Position ?? 0;
        while (position < end)
        {
            var rows = await db.Query($"select {Columns}, mac from audit where position > @position and position <= @end order by position limit @limit",
                row => (Entry: Read(row), Mac: row.Bytes(7)), ct, ("position", position), ("end", end), ("limit", RowsAtOnce));
            if (rows.Count == 0) return Broken(position, mac, position + 1, "removed");
            foreach (var (entry, written) in rows)
            {
                if (entry.Position != position + 1) return Broken(position, mac, position + 1, "removed");
                if (!AuditChain.Equal(written, chain.Mac(mac, entry))) return Broken(position, mac, entry.Position, "altered");
                if (mark is { } kept && kept.Position == entry.Position && !AuditChain.Equal(kept.Mac, written)) return Broken(position, mac, entry.Position, "mark");
                (position, mac) = (entry.Position, written);
            }
        }
        if (head is { } last && !AuditChain.Equal(last.Mac, mac)) return Broken(position, mac, last.Position, "head");
        // The rows first: what is appended between the two moves the head.
        var highest = (await db.Query("select coalesce(max(position), 0) from audit", row => row.GetInt64(0), ct))[0];
        if (highest > ((await Head(ct))?.Position ?? 0)) return Broken(position, mac, position + 1, "added");
        if (mark is { } missing && missing.Position > position) return Broken(position, mac, position + 1, "removed");
        return new AuditVerdict { Intact = true, Rows = position, Mark = position == 0 ? null : AuditChain.Mark(position, mac) };
    }

    private async Task<(long Position, byte[] Mac, byte[] Seal)?> Head(CancellationToken ct) =>
        await db.Query("select position, mac, seal from audit_head", row => (row.GetInt64(0), row.Bytes(1), row.Bytes(2)), ct) is [var head] ? head : null;

    private static AuditVerdict Broken(long right, byte[] mac, long position, string reason) =>
        new() { Intact = false, Rows = right, Mark = right == 0 ? null : AuditChain.Mark(right, mac), Broken = new AuditBreak(position, reason) };

    private static AuditEntry Read(DbDataReader row) => new()
    {
        Position = row.GetInt64(0),
        At = row.Instant(1),
        Tenant = row.GuidOrNull(2) is { } tenant ? new TenantId(tenant) : null,
        Actor = row.GetString(3),
        Act = row.GetString(4),
        Subject = row.TextOrNull(5),
        Address = row.TextOrNull(6),
    };
}
