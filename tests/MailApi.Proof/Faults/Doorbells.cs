using System.Data.Common;
using System.Text;
using System.Text.Json;
using MailApi.Proof.Checking;
using MailApi.Proof.Ledgers;
using MailApi.Testing;
using Microsoft.Data.Sqlite;
using Npgsql;
using RabbitMQ.Client;

namespace MailApi.Proof.Faults;

/// <summary>
/// Doorbells come twice, late, in any order, and for attempts that are over or have not begun. What is rung is made due, so that the sweep
/// rings it again; with RabbitMQ we ring ourselves as well.
/// </summary>
public sealed class DoorbellsRepeated : Fault
{
    private const int Rounds = 30;

    public override string Name => "doorbells-repeated";
    public override string PassMark => "Of any number of doorbells one wins: no copy is made or feared, and nothing is lost.";
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        await using var broker = stand.Mode == Mode.Distributed ? await new ConnectionFactory { Uri = new Uri(stand.Settings["Bus__RabbitMq"]) }.CreateConnectionAsync(ct) : null;
        await using var channel = broker is null ? null : await broker.CreateChannelAsync(cancellationToken: ct);
        await using var store = await Store(stand, ct);
        var late = new List<Row>();
        for (var round = 0; round < Rounds; round++)
        {
            var rows = await DatabaseLedger.Query(store,
                "select id, attempt, tenant_id, category from envelopes where state in ('rung', 'sending', 'deferred') limit 200",
                row => new Row(row.GetGuid(0), row.GetInt32(1), row.GetGuid(2), row.GetString(3)), ct);
            late.AddRange(rows);
            if (channel is not null) await Ring(channel, [.. rows, .. rows, .. late.Where(_ => random.Next(4) == 0)], random, ct);
            await Execute(store, "update envelopes set due_at = 0 where state = 'rung'", ct);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(600)), TimeProvider.System, ct);
        }
    }

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);

    /// <summary>In any order; now and then under the attempt before or after.</summary>
    private static async Task Ring(IChannel channel, Row[] rows, Random random, CancellationToken ct)
    {
        random.Shuffle(rows);
        foreach (var group in rows.GroupBy(row => row.Category))
        {
            foreach (var some in group.Chunk(16))
            {
                var doorbell = new
                {
                    messageId = Guid.NewGuid(),
                    messageType = new[] { "urn:message:MailApi.Spool:Doorbell" },
                    message = new { envelopes = some.Select(row => new { id = row.Id, attempt = row.Attempt + random.Next(-1, 2), tenant = row.Tenant }) },
                };
                await channel.BasicPublishAsync("", $"deliver-{group.Key}", mandatory: false,
                    new BasicProperties { ContentType = "application/vnd.masstransit+json" }, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(doorbell)), ct);
            }
        }
    }

    /// <summary>As its owner: the ledger's own connection only reads.</summary>
    private static async Task<DbConnection> Store(Stand stand, CancellationToken ct)
    {
        DbConnection connection = stand.Servers is { } servers
            ? new NpgsqlConnection(servers.PostgreSql.AdminConnectionString(stand.Database))
            : new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(stand.Nodes[0].DataDirectory, "mailapi.db") }.ToString());
        await connection.OpenAsync(ct);
        return connection;
    }

    private static async Task Execute(DbConnection connection, string sql, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        try
        {
            await command.ExecuteNonQueryAsync(ct);
        }
        catch (DbException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected)
        {
            // The nodes take the same rows in another order, and this statement gave way: the next round does it again.
        }
    }

    private sealed record Row(Guid Id, int Attempt, Guid Tenant, string Category);
}
