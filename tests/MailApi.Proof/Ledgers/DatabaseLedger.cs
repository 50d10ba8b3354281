using System.Data.Common;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailApi.Proof.Ledgers;

public sealed record MessageRow(Guid Id, Guid Tenant, string Subject, string BodySha256);

public sealed record EnvelopeRow(
    Guid Id, Guid Message, Guid Tenant, string Recipient, string State, int Attempt, int Tries, int Seq, bool DuplicatePossible, int Crashes);

public sealed record EventRow(Guid Id, Guid Tenant, Guid? Envelope, int Seq, string Type, string Data);

public sealed record DeliveryRow(Guid Event, Guid Tenant, string State, int Tries);

/// <summary>The store as it stands at the end, read by the driver alone.</summary>
public sealed record DatabaseLedger(
    IReadOnlyList<MessageRow> Messages, IReadOnlyList<EnvelopeRow> Envelopes, IReadOnlyList<EventRow> Events, IReadOnlyList<DeliveryRow> Deliveries)
{
    /// <summary>States that nothing but a late bounce changes.</summary>
    public static readonly IReadOnlySet<string> Final = new HashSet<string> { "delivered", "bounced", "expired", "suppressed", "canceled", "failed", "unknown" };

    public static async Task<DatabaseLedger> Read(Stand stand, CancellationToken ct)
    {
        await using var connection = await Open(stand, ct);
        return new DatabaseLedger(
            await Query(connection, "select id, tenant_id, subject, content from messages", row => new MessageRow(row.GetGuid(0), row.GetGuid(1), row.GetString(2), BodySha256(row, 3)), ct),
            await Query(connection, "select id, message_id, tenant_id, recipient, state, attempt, tries, seq, duplicate_possible, crashes from envelopes", row => new EnvelopeRow(
                row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetInt32(6), row.GetInt32(7), row.GetBoolean(8), row.GetInt32(9)), ct),
            await Query(connection, "select id, tenant_id, envelope_id, seq, type, data from events", row => new EventRow(
                row.GetGuid(0), row.GetGuid(1), row.IsDBNull(2) ? null : row.GetGuid(2), row.GetInt32(3), row.GetString(4), row.GetString(5)), ct),
            await Query(connection, "select event_id, tenant_id, state, tries from webhook_deliveries", row => new DeliveryRow(row.GetGuid(0), row.GetGuid(1), row.GetString(2), row.GetInt32(3)), ct));
    }

    /// <summary>What is still under way, in words; empty when nothing is.</summary>
    public static async Task<string> Unsettled(Stand stand, CancellationToken ct)
    {
        try
        {
            await using var connection = await Open(stand, ct);
            var left = await Query(connection,
                """
                select 'envelopes ' || state, count(*) from envelopes where state in ('queued', 'rung', 'sending', 'deferred') group by state
                union all
                select 'webhook deliveries', count(*) from webhook_deliveries where state = 'pending' having count(*) > 0
                """, row => $"{row.GetInt64(1)} {row.GetString(0)}", ct);
            if (left.Count > 0) left.AddRange(await Query(connection,
                "select recipient, state, due_at - updated_at, attempt, tries, crashes, reply_text from envelopes where state in ('queued', 'rung', 'sending', 'deferred') limit 12",
                row => $"{row.GetString(0)} {row.GetString(1)} due {row.GetInt64(2)} ms after its last change, attempt {row.GetInt32(3)}, tries {row.GetInt32(4)}, crashes {row.GetInt32(5)}: {row[6]}", ct));
            return string.Join("; ", left);
        }
        catch (DbException e)
        {
            return e.Message;
        }
    }

    /// <summary>A connection of our own, never through what is between the nodes and the store.</summary>
    public static async Task<DbConnection> Open(Stand stand, CancellationToken ct)
    {
        DbConnection connection = stand.Servers is { } servers
            ? new NpgsqlConnection(servers.PostgreSql.AdminConnectionString(stand.Database))
            : new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(stand.Nodes[0].DataDirectory, "mailapi.db"), Mode = SqliteOpenMode.ReadOnly }.ToString());
        await connection.OpenAsync(ct);
        return connection;
    }

    public static async Task<List<T>> Query<T>(DbConnection connection, string sql, Func<DbDataReader, T> map, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct)) rows.Add(map(reader));
        return rows;
    }

    private static string BodySha256(DbDataReader row, int column)
    {
        var octets = row.GetFieldValue<byte[]>(column).AsSpan();
        var body = octets[(octets.IndexOf("\r\n\r\n"u8) + 4)..];
        return Convert.ToHexStringLower(SHA256.HashData(body));
    }
}
