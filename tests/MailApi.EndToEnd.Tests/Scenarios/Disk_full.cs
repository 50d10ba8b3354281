using System.Net;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Disk_full(Worlds worlds)
{
    [Fact]
    public async Task On_a_full_disk_the_embedded_store_refuses_and_says_why_and_goes_on_when_there_is_room()
    {
        Assert.SkipUnless(SmallDisk.IsPossible, "Mounting a small disk is root's.");
        await using var disk = await SmallDisk.MountAsync(megabytes: 64, CancellationToken.None);
        await using var world = await worlds.Own(Mode.Embedded, new() { ["Store__ConnectionString"] = $"Data Source={disk.Path}/store.db" });
        var shop = await world.NewShop();
        await using var load = SteadyLoad.Start(shop);
        await load.Acknowledges(100);

        disk.Fill(bytesLeft: 0);
        await Refuses(shop);
        disk.Clear();

        await load.Acknowledges(100);
        await load.Stop();
        await load.AllArrived();
    }

    [Fact]
    public async Task On_a_full_disk_PostgreSQL_s_store_refuses_and_goes_on_when_there_is_room()
    {
        Assert.SkipUnless(SmallDisk.IsPossible, "Mounting a small disk is root's.");
        await using var disk = await SmallDisk.MountAsync(megabytes: 256, CancellationToken.None);
        await using var server = await PostgreSqlServer.StartAsync(CancellationToken.None, disk.Path);
        await using var world = await worlds.Own(Mode.Distributed, new() { ["Store__ConnectionString"] = server.ConnectionString() });
        var shop = await world.NewShop();
        await using var load = SteadyLoad.Start(shop);
        await load.Acknowledges(100);

        disk.Fill(bytesLeft: 0);
        await Eventually.HoldsAsync(() => load.Unavailable > 0, TimeSpan.FromMinutes(2), "somebody is refused", CancellationToken.None);
        disk.Clear();
        // Without room for its log it stops altogether, and is started again.
        if (server.Process.HasExited) await server.StartAgainAsync(CancellationToken.None);

        await load.Acknowledges(100);
        await load.Stop();
        await load.AllArrived();
    }

    /// <summary>A write may still find room in what the files hold already: until none is left.</summary>
    private static async Task Refuses(Shop shop)
    {
        var number = 0;
        await Eventually.HoldsAsync(async () =>
        {
            var mail = shop.Mail($"large-{number++}@example.net");
            mail["text"] = new string('x', 100_000);
            using var response = await shop.Post(mail, $"large-{number}");
            if (response.StatusCode == HttpStatusCode.Accepted) return false;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
            return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("detail").GetString()!.StartsWith("The store's disk is full.", StringComparison.Ordinal);
        }, World.Patience, "the store is full", CancellationToken.None);
    }
}
