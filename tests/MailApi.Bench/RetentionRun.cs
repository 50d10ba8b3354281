using System.Globalization;
using System.Security.Cryptography;
using MailApi.Hosting;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Bench;

/// <summary>What it costs to look for what is past its time in a store where little is, and to remove half of what is there.</summary>
internal static class RetentionRun
{
    private const int Times = 5;
    private static readonly TimeSpan Aged = TimeSpan.FromDays(91);
    private static readonly TimeProvider Clock = TimeProvider.System;

    public static async Task<int> Run(Arguments arguments)
    {
        var rows = arguments.Number("rows", 100_000);
        using var directory = new TempDirectory();
        await using var postgreSql = arguments.Mode == Mode.Distributed ? await PostgreSqlServer.StartAsync(CancellationToken.None) : null;
        var options = postgreSql is null ? new StoreOptions() : new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = postgreSql.ConnectionString() };
        Store.Migrate(options, directory.Path);
        using var db = Store.Open(options, directory.Path, Clock);
        var senders = await Population.Write(db, new Vault(RandomNumberGenerator.GetBytes(Vault.KeyBytes)), tenants: 1, domains: 1, KeyRing.Make(1));
        await Backlog.Write(db, senders, ["site0.example"], rows / 2);
        var middle = (await db.Query("select max(position) from events", row => row.GetInt64(0), CancellationToken.None))[0];
        await Backlog.Write(db, senders, ["site0.example"], rows - (rows / 2));

        var idle = new List<TimeSpan>();
        for (var time = 0; time < Times; time++) idle.Add(await Pass(db));
        await db.Execute("update messages set expires_at = expires_at - @age where id in (select message_id from events where position <= @middle)",
            CancellationToken.None, ("age", (long)Aged.TotalMilliseconds), ("middle", middle));
        await db.Execute("update events set at = at - @age where position <= @middle", CancellationToken.None, ("age", (long)Aged.TotalMilliseconds), ("middle", middle));
        var busy = await Pass(db);
        var left = (await db.Query("select count(*) from messages", row => row.GetInt64(0), CancellationToken.None))[0];

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"retention --mode {arguments.Mode} --rows {rows}: load average {Machine.Load}"));
        Console.WriteLine(new Latencies("nothing to do", idle));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows - left} messages with envelopes and events removed in {busy.TotalSeconds:0.0} s, {(rows - left) / busy.TotalSeconds:0}/s"));
        return left == rows - (rows / 2) ? 0 : 1;
    }

    /// <summary>Of a process that has just started.</summary>
    private static async Task<TimeSpan> Pass(Db db)
    {
        using var retention = new Retention(db, Clock, NullLogger<Retention>.Instance);
        var start = Clock.GetTimestamp();
        await retention.Remove(CancellationToken.None);
        return Clock.GetElapsedTime(start);
    }
}
