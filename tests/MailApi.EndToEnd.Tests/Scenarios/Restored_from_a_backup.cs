using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;
using StackExchange.Redis;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>
/// A backup is made while mail is under way; the mail arrives; the store is lost, and restored from the backup, to which all that is still to be sent. The command lines are those
/// of docs/operations.md.
/// </summary>
[Trait("Takes", "minutes")]
public sealed class Restored_from_a_backup(Worlds worlds)
{
    private const int Older = 12;
    private const int Newer = 8;

    /// <param name="mode">What is restored.</param>
    /// <param name="byHand">Nobody tells the service: it knows by what it remembers outside of the store.</param>
    [Theory, InlineData(Mode.Embedded, false), InlineData(Mode.Distributed, false), InlineData(Mode.Embedded, true), InlineData(Mode.Distributed, true)]
    public async Task Nothing_is_sent_a_second_time_unless_the_operator_says_so(Mode mode, bool byHand)
    {
        await using var world = await worlds.Own(mode, []);
        var shop = await world.NewShop();
        using var backups = new TempDirectory();
        await shop.WaitFor(await shop.Send(shop.Mail("before@example.net")), "delivered");
        world.Sink.Pause();
        var older = await SendMany(shop, "older", Older);
        // Not the last message's own instant: its envelope may be a millisecond younger.
        var boundary = TimeProvider.System.GetUtcNow().AddMilliseconds(1);
        var newer = await SendMany(shop, "newer", Newer);
        var held = shop.Mail("never-twice@example.net");
        held["onUncertain"] = "hold";
        var neverTwice = await shop.Send(held);
        var later = shop.Mail("tomorrow@example.net");
        later["sendAt"] = TimeProvider.System.GetUtcNow().AddHours(5).ToString("O", CultureInfo.InvariantCulture);
        var tomorrow = await shop.Send(later);

        var backup = await Backup(world, backups, byHand);
        world.Sink.Resume();
        await shop.WaitForAll([.. older, .. newer, neverTwice], "delivered", World.Patience);
        var lost = await shop.Send(shop.Mail("lost@example.net"));
        await shop.WaitFor(lost, "delivered");
        var cursor = await CursorBehind(shop, lost);
        // What is remembered next may be of before the backup, what comes after that is not.
        for (var time = 0; byHand && time < 2; time++) await RemembersMore(world);
        await world.Api.Kill9Async();
        await Restore(world, backup, byHand);
        await world.Api.StartAgainAsync(CancellationToken.None);

        // Others go through the same sweeps, rings and claims: had it been due, it would be sent by now.
        var after = await shop.Send(shop.Mail("after@example.net"));
        await shop.WaitFor(after, "delivered");
        Assert.Equal(["queued"], await shop.States(older[0]));
        Assert.Equal(["unknown"], await shop.States(neverTwice));
        await shop.WaitForWebhook("message.unknown", neverTwice);
        Assert.NotEqual(JsonValueKind.Null, (await Recipient(shop, tomorrow)).GetProperty("nextAttemptAt").ValueKind);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await shop.Live.GetAsync($"/messages/{lost}")).StatusCode);
        // A cursor from before the loss is behind nothing that is new.
        await Eventually.HoldsAsync(async () => (await EventsAfter(shop, cursor)).Messages.Contains(after), World.Patience, "what is new follows the cursor", CancellationToken.None);
        Assert.Equal(Older + Newer, (await Queue(world)).GetProperty("held").GetProperty("count").GetInt32());
        var acts = (await World.Json(await world.Api.Admin.GetAsync("/audit"))).GetProperty("items").EnumerateArray();
        Assert.Contains(acts, act => act.GetProperty("act").GetString() == "NoticeRestoration" && act.GetProperty("actor").GetString() == "service");
        Assert.All([.. older, .. newer, neverTwice], id => Assert.Single(Copies(world, id)));

        // It stays so over a restart, which is no second restoration.
        await world.Api.RestartAsync(CancellationToken.None);
        Assert.Equal(Older + Newer, await Say(world, "release", new { acceptedBefore = boundary }) + await Say(world, "discard", new { }));
        // A doorbell that was lost in the restart is rung again after a minute.
        await shop.WaitForAll(older, "delivered", TimeSpan.FromSeconds(120));
        await shop.WaitForAll(newer, "unknown", World.Patience);
        await shop.WaitForWebhook("message.unknown", newer[0]);
        Assert.All(older, id => Assert.Equal(2, Copies(world, id).Count()));
        Assert.True((await Recipient(shop, older[0])).GetProperty("duplicatePossible").GetBoolean());
        Assert.All(newer, id => Assert.Single(Copies(world, id)));
        Assert.False((await Queue(world)).TryGetProperty("held", out var none) && none.ValueKind != JsonValueKind.Null);
    }

    private static async Task<string[]> SendMany(Shop shop, string name, int count)
    {
        var ids = new List<string>();
        for (var number = 0; number < count; number++) ids.Add(await shop.Send(shop.Mail($"{name}-{number}@example.net")));
        return [.. ids];
    }

    private static async Task<string> Backup(World world, TempDirectory backups, bool byHand)
    {
        var file = backups["backup"];
        if (world.Servers is null)
        {
            if (byHand) await Command.RunAsync(new Launch("sqlite3", Path.Combine(world.Api.DataDirectory, "mailapi.db"), $"vacuum into '{file}'"), CancellationToken.None);
            else Assert.Contains("The store is copied to", await world.Api.RunAsync(CancellationToken.None, "backup", file), StringComparison.Ordinal);
            return file;
        }
        await File.WriteAllTextAsync(file, await world.Servers.PostgreSql.RunAsync("pg_dump", CancellationToken.None, Database(world)));
        return file;
    }

    private static async Task Restore(World world, string backup, bool byHand)
    {
        if (world.Servers is not { PostgreSql: var server })
        {
            if (byHand) ReplaceByHand(Path.Combine(world.Api.DataDirectory, "mailapi.db"), backup);
            else Assert.Contains("is the store now", await world.Api.RunAsync(CancellationToken.None, "restore", backup), StringComparison.Ordinal);
            return;
        }
        var database = Database(world);
        await Eventually.HoldsAsync(
            async () => await server.AdminAsync($"select count(*) from pg_stat_activity where datname = '{database}'", CancellationToken.None) == "0", World.Patience, "nobody is connected", CancellationToken.None);
        await server.AdminAsync($"drop database {database}", CancellationToken.None);
        await server.AdminAsync($"create database {database} owner {PostgreSqlServer.User}", CancellationToken.None);
        await server.RunAsync("psql", CancellationToken.None, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", backup, database);
        if (!byHand) await world.Api.RunAsync(CancellationToken.None, "restored");
    }

    private static void ReplaceByHand(string store, string backup)
    {
        foreach (var log in (string[])["-wal", "-shm"]) File.Delete(store + log);
        File.Copy(backup, store, overwrite: true);
    }

    private static async Task RemembersMore(World world)
    {
        var before = await Remembered(world);
        await Eventually.HoldsAsync(async () => await Remembered(world) is { } now && now != before, World.Patience, "more is remembered", CancellationToken.None);
    }

    private static async Task<string?> Remembered(World world)
    {
        if (world.Servers is null) return Path.Combine(world.Api.DataDirectory, "store-seen") is var file && File.Exists(file) ? await File.ReadAllTextAsync(file) : null;
        var id = await world.Servers.PostgreSql.AdminAsync("select encode(value, 'hex') from settings where name = 'store-id'", CancellationToken.None, Database(world));
        await using var redis = await ConnectionMultiplexer.ConnectAsync(world.Servers.Redis.ConnectionString);
        return await redis.GetDatabase().StringGetAsync($"mailapi:{id}:seen");
    }

    private static string Database(World world) => new Npgsql.NpgsqlConnectionStringBuilder(world.Settings["Store__ConnectionString"]).Database!;

    private static async Task<JsonElement> Queue(World world) => await World.Json(await world.Api.Admin.GetAsync("/queue"));

    private static async Task<int> Say(World world, string verb, object age) => (await World.Json(await world.Api.Admin.PostAsJsonAsync($"/queue/{verb}", age))).GetProperty("count").GetInt32();

    private static async Task<JsonElement> Recipient(Shop shop, string id) => (await shop.Message(id)).GetProperty("recipients")[0];

    private static IEnumerable<SinkMessage> Copies(World world, string id) => world.Sink.Messages.Where(it => it.MessageId.Contains(id[4..], StringComparison.Ordinal));

    /// <summary>Reads on until a message's events are behind: any transaction of the database server that has written and is still open holds them back (docs/operations.md).</summary>
    private static async Task<string> CursorBehind(Shop shop, string message)
    {
        var (cursor, seen) = ("", false);
        await Eventually.HoldsAsync(
            async () =>
            {
                (var messages, cursor) = await EventsAfter(shop, cursor);
                seen |= messages.Contains(message);
                return seen && messages.Count == 0;
            }, World.Patience, "the message's events are listed", CancellationToken.None);
        return cursor;
    }

    /// <summary>The messages that events after a cursor are about, and the next cursor.</summary>
    private static async Task<(IReadOnlyList<string?> Messages, string Next)> EventsAfter(Shop shop, string cursor)
    {
        var page = await World.Json(await shop.Live.GetAsync("/events?limit=200" + (cursor.Length > 0 ? $"&after={cursor}" : "")));
        var messages = page.GetProperty("items").EnumerateArray().Select(it => it.GetProperty("data").TryGetProperty("message", out var message) ? message.GetString() : null);
        return ([.. messages], page.GetProperty("next").GetString()!);
    }
}
