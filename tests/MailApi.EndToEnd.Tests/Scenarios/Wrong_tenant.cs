using System.Net;
using System.Net.Http.Json;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Wrong_tenant(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_tenant_can_neither_send_as_nor_see_another(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var (mine, other) = (await world.NewShop(webhook: false), await world.NewShop(webhook: false));
        var mail = mine.Mail("ann@example.net");
        foreach (var from in new[] { other.Domain, other.Domain.ToUpperInvariant(), "unknown.example", "sub." + mine.Domain })
        {
            mail["from"] = $"orders@{from}";
            using var refused = await mine.Post(mail);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        var id = await other.Send(other.Mail($"ann.{Guid.NewGuid():N}@example.net"));
        await other.WaitFor(id, "delivered");
        using var foreign = await mine.Live.GetAsync($"/messages/{id}");
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
        using var cancel = await mine.Live.PostAsync($"/messages/{id}/cancel", null);
        Assert.Equal(HttpStatusCode.NotFound, cancel.StatusCode);
        var events = await World.Json(await mine.Live.GetAsync("/events"));
        Assert.Equal(0, events.GetProperty("items").EnumerateArray().Count(it => it.GetProperty("tenant").GetString() != mine.Tenant));
        using var taken = await mine.Live.PostAsJsonAsync("/domains", new { name = other.Domain, categories = new[] { "notification" } });
        Assert.Equal(HttpStatusCode.Conflict, taken.StatusCode);
    }
}
