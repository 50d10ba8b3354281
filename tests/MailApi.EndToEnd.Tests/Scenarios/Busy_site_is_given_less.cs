using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Busy_site_is_given_less(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_site_that_answers_421_is_slowed_shown_held_as_a_whole_and_resumed(Mode mode)
    {
        var world = await worlds.Shared(mode);
        await using var sink = ScriptedSink.Start(new SinkOptions { EndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.21"), world.Sink.Port) });
        world.Dns.Mx("busy-a.test", 10, "mx.busy.test").Mx("busy-b.test", 10, "mx.busy.test").A("mx.busy.test", "127.0.0.21");
        var shop = await world.NewShop(webhook: false);
        await shop.WaitFor(await shop.Send(shop.Mail("421-1-ann@busy-a.test", "bob@busy-b.test")), "delivered", "delivered");

        JsonElement site = default;
        await Eventually.HoldsAsync(async () =>
        {
            var page = await World.Json(await world.Api.Admin.GetAsync("/sites?state=slowed&domain=busy-b.test"));
            site = page.GetProperty("items").EnumerateArray().FirstOrDefault();
            return site.ValueKind == JsonValueKind.Object;
        }, World.Patience, "the site is shown", CancellationToken.None);
        Assert.Equal("mx.busy.test", site.GetProperty("site").GetString());
        Assert.Equal("421 4.3.2 closing, try again later", site.GetProperty("reason").GetString());

        var key = new { site = "mx.busy.test" };
        using var suspended = await world.Api.Admin.PostAsJsonAsync("/queue/suspend", key);
        Assert.Equal(HttpStatusCode.NoContent, suspended.StatusCode);
        var held = await shop.Send(shop.Mail("eve@busy-a.test", "eve@busy-b.test"));
        var other = await shop.Send(shop.Mail($"eve.{shop.Domain}@example.net"));
        await shop.WaitFor(other, "delivered");
        Assert.Equal(["queued", "queued"], await shop.States(held));

        using var resumed = await world.Api.Admin.PostAsJsonAsync("/queue/resume", key);
        Assert.Equal(HttpStatusCode.NoContent, resumed.StatusCode);
        await shop.WaitFor(held, "delivered", "delivered");
    }
}
