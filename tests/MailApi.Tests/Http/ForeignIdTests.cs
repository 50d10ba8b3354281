using System.Net;
using System.Net.Http.Json;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>S-12: a tenant reads or changes what is another's by naming its id, or learns that it exists.</summary>
public sealed class ForeignIdTests(TestHost host)
{
    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Foreign_and_unknown_ids_are_404_on_every_route_and_the_owner_still_has_everything()
    {
        var (mine, other) = (await Estate.Make(host), await Estate.Make(host));
        var routes = ApiRoutes.Guarded(host).Where(route => route.Prefixes.Count > 0 && !route.IsForOperators).ToList();
        Assert.NotEmpty(routes);
        var wrong = new List<string>();
        foreach (var route in routes)
        {
            Assert.All(route.Prefixes, prefix => Assert.True(other.Ids.ContainsKey(prefix), $"{route}: let Estate make something with the id {prefix}…"));
            // Of two ids in a path each alone may be foreign.
            foreach (var foreign in route.Prefixes) await Ask(mine.Tenant.Live, route.Path(prefix => (prefix == foreign ? other : mine).Ids[prefix]));
            await Ask(mine.Tenant.Live, route.Path(prefix => other.Ids[prefix]));
            await Ask(mine.Tenant.Live, route.UnknownPath);
            await Ask(host.Admin, route.UnknownPath + "?tenant=" + mine.Tenant.Id);
            if (route.Required!.NeedsTenant) await Ask(host.Admin, route.Path(prefix => other.Ids[prefix]) + "?tenant=" + mine.Tenant.Id);

            async Task Ask(HttpClient client, string path)
            {
                using var response = await client.SendAsync(route.Request(path));
                var body = await response.Content.ReadAsStringAsync();
                if (response.StatusCode != HttpStatusCode.NotFound || !body.Contains("/errors/not-found", StringComparison.Ordinal)) wrong.Add($"{route} at {path}: {(int)response.StatusCode} {body}");
            }
        }
        // The owner names the same ids: what is deleted last, the innermost first, proves that nobody else did it before.
        foreach (var route in routes.OrderBy(route => route.Method == "DELETE").ThenByDescending(route => route.Prefixes.Count).ThenByDescending(route => route.Pattern.Length))
        {
            using var response = await other.Tenant.Live.SendAsync(route.Request(route.Path(prefix => other.Ids[prefix])));
            if (response.StatusCode is HttpStatusCode.NotFound or >= HttpStatusCode.InternalServerError) wrong.Add($"{route} by its owner: {(int)response.StatusCode}");
        }
        Rule.Holds(wrong);
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task Malformed_ids_are_404_on_every_route()
    {
        var tenant = await host.AnyTenant();
        var id = Guid.CreateVersion7().ToString("N");
        Func<string, string>[] malformed =
        [
            _ => "1", _ => id, prefix => prefix, prefix => prefix + id[1..], prefix => prefix + id + "0", prefix => prefix + id.ToUpperInvariant().Replace('0', 'A'),
            prefix => prefix.ToUpperInvariant() + id, _ => "foo_" + id, prefix => prefix + Guid.CreateVersion7().ToString("D"), prefix => prefix + id[..31] + "g",
            prefix => prefix + id + "%0a", prefix => prefix + id[..30] + "%c3%a9", _ => "%27%20or%201=1%20--", _ => "..%2f..%2fetc%2fpasswd", _ => new string('a', 4000),
        ];
        var wrong = new List<string>();
        foreach (var route in ApiRoutes.Guarded(host).Where(route => route.Prefixes.Count > 0))
            foreach (var shape in malformed)
                foreach (var client in new[] { tenant.Live, host.Admin })
                {
                    using var response = await client.SendAsync(route.Request(route.Path(shape)));
                    if (response.StatusCode != HttpStatusCode.NotFound) wrong.Add($"{route} at {route.Path(shape)}: {(int)response.StatusCode}");
                }
        Rule.Holds(wrong);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Lists_show_a_tenant_everything_of_its_own_and_nothing_of_another()
    {
        var (mine, other) = (await Estate.Make(host), await Estate.Make(host));
        var lists = ApiRoutes.Guarded(host).Where(route => route is { Method: "GET", Prefixes.Count: 0, Required.NeedsTenant: true }).ToList();
        Assert.NotEmpty(lists);
        foreach (var list in lists)
        {
            var path = list.Path(prefix => prefix);
            var own = await Text(other.Tenant.Live, path);
            Assert.True(other.Marks.Any(own.Contains), $"{list} shows its tenant nothing: let Estate make what it lists.");
            // A tenant's key has no other tenant to choose; the operator's key chooses one.
            foreach (var shown in new[] { await Text(mine.Tenant.Live, path), await Text(mine.Tenant.Live, $"{path}?tenant={other.Tenant.Id}"), await Text(host.Admin, $"{path}?tenant={mine.Tenant.Id}") })
                Assert.DoesNotContain(other.Marks, shown.Contains);
        }
        foreach (var filter in new[] { $"/messages?recipient={other.Recipient}", $"/messages?domain={other.Tenant.Domain}", $"/sandbox/messages?message={other.Ids["msg_"]}", $"/sandbox/messages?recipient={other.Recipient}", $"/suppressions?address=gone.{other.Recipient}" })
            Assert.Empty((await TestHost.Json(await mine.Tenant.Live.GetAsync(filter))).GetProperty("items").EnumerateArray());
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Ids_in_a_body_reach_no_further_than_those_in_a_path()
    {
        var (mine, other) = (await Estate.Make(host), await Estate.Make(host));
        var foreign = (await TestHost.Json(await other.Tenant.Live.GetAsync("/events"))).GetProperty("items").EnumerateArray().Select(it => it.GetProperty("id").GetString()).ToArray();
        Assert.NotEmpty(foreign);
        var replay = await TestHost.Json(await mine.Tenant.Live.PostAsJsonAsync($"/webhooks/{mine.Ids["whk_"]}/replay", new { events = foreign }));
        Assert.Equal(0, replay.GetProperty("count").GetInt32());
        using var domain = await mine.Tenant.Live.PostAsJsonAsync("/domains", new { tenant = other.Tenant.Id, name = $"d{Guid.NewGuid():N}.example", categories = new[] { "support" } });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, domain.StatusCode);
    }

    private static async Task<string> Text(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode}");
        return await response.Content.ReadAsStringAsync();
    }
}
