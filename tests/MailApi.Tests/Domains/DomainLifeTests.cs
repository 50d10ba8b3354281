using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Domains;

/// <summary>From registration to verified and back, over HTTP, against a scripted zone.</summary>
public sealed class DomainLifeTests(TestHost host)
{
    [Fact]
    public async Task A_domain_that_the_operator_vouches_for_has_its_records_looked_at_when_its_health_is_asked_and_goes_when_he_says_so()
    {
        var tenant = await host.NewTenant();
        var health = await TestHost.Json(await host.Admin.GetAsync($"/domains/{tenant.DomainId}/health"));
        Assert.True(health.TryGetProperty("checkedAt", out _));
        Assert.Contains(health.GetProperty("dnssec").GetProperty("state").GetString(), (string[])["secure", "insecure", "bogus", "indeterminate"]);
        using var removed = await host.Admin.DeleteAsync($"/domains/{tenant.DomainId}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
    }

    [Fact]
    public async Task The_printed_zone_lines_alone_make_a_domain_verified_and_a_lost_key_makes_it_failing()
    {
        var tenant = await host.AnyTenant();
        var name = NewName();
        var registered = await Register(tenant, name);
        var id = registered.GetProperty("id").GetString();
        Assert.Equal("pending", registered.GetProperty("state").GetString());
        Assert.Empty(registered.GetProperty("warnings").EnumerateArray());
        Assert.All(registered.GetProperty("records").EnumerateArray(), record => Assert.Equal("missing", record.GetProperty("state").GetString()));
        Assert.Equal(HttpStatusCode.Forbidden, (await Send(tenant, name)).StatusCode);

        host.Dns.Publish(await tenant.Live.GetStringAsync($"/domains/{id}/zone"));
        var verified = await Verify(tenant, id);

        Assert.Equal("verified", verified.GetProperty("state").GetString());
        Assert.All(verified.GetProperty("records").EnumerateArray(), record => Assert.Equal(("ok", true), (record.GetProperty("state").GetString(), record.GetProperty("observed").GetString() is not null)));
        Assert.Equal(HttpStatusCode.Accepted, (await Send(tenant, name)).StatusCode);

        host.Dns.Remove($"ma1._domainkey.{name}", DnsType.Txt);
        var failing = await Verify(tenant, id);

        Assert.Equal("failing", failing.GetProperty("state").GetString());
        var key = failing.GetProperty("records").EnumerateArray().Single(record => record.GetProperty("purpose").GetString() == "dkim");
        Assert.Equal("missing", key.GetProperty("state").GetString());
        Assert.Contains("Add it", key.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await Send(tenant, name)).StatusCode);

        host.Dns.Txt($"ma1._domainkey.{name}", key.GetProperty("value").GetString()!);
        Assert.Equal("verified", (await Verify(tenant, id)).GetProperty("state").GetString());
        Assert.Equal(["domain.verified", "domain.failing", "domain.verified"], await Told(tenant, name));
    }

    [Fact]
    public async Task A_record_has_the_members_of_the_contract_in_every_state()
    {
        var tenant = await host.AnyTenant();

        var records = (await Register(tenant, NewName())).GetProperty("records").EnumerateArray().ToList();

        foreach (var member in (string[])["purpose", "type", "name", "value", "priority", "required", "state", "observed"])
            Assert.All(records, record => Assert.True(record.TryGetProperty(member, out _), member));
        Assert.Equal(["ownership", "returnPath", "returnPath", "spf", "dkim", "dmarc", "tracking"], records.Select(record => record.GetProperty("purpose").GetString()));
    }

    [Fact]
    public async Task What_stands_in_the_zone_is_kept_in_what_is_proposed()
    {
        var tenant = await host.AnyTenant();
        var name = NewName();
        host.Dns.Txt(name, "v=spf1 include:_spf.crm.example -all").Txt($"_dmarc.{name}", "v=DMARC1; p=reject; rua=mailto:reports@crm.example");

        var values = Values(await Register(tenant, name));

        Assert.Equal($"v=spf1 include:_spf.crm.example include:spf.{TestHost.ServiceHost} -all", values["spf"]);
        Assert.Equal($"v=DMARC1; p=reject; rua=mailto:reports@crm.example,mailto:dmarc@bounces.{name}", values["dmarc"]);
    }

    [Fact]
    public async Task A_policy_that_applies_from_above_is_not_lifted_by_the_lines_printed()
    {
        var tenant = await host.AnyTenant();
        var name = NewName();
        host.Dns.Txt($"_dmarc.{name}", "v=DMARC1; p=none; sp=reject; adkim=s");

        var dmarc = (await Register(tenant, "news." + name)).GetProperty("records").EnumerateArray().Single(record => record.GetProperty("purpose").GetString() == "dmarc");

        Assert.Equal("ok", dmarc.GetProperty("state").GetString());
        Assert.Equal($"v=DMARC1; p=reject; adkim=s; rua=mailto:dmarc@bounces.news.{name}", dmarc.GetProperty("value").GetString());
    }

    [Fact]
    public async Task No_printed_line_stands_beside_an_alias()
    {
        var tenant = await host.AnyTenant();
        var id = (await Register(tenant, NewName(), new { mtaSts = true, tlsRpt = true, bimiLogo = "https://shop.example/logo.svg" })).GetProperty("id").GetString();
        await TestHost.Json(await tenant.Live.PostAsync($"/domains/{id}/dkim/rotate?algorithm=ed25519", null));

        var lines = (await tenant.Live.GetStringAsync($"/domains/{id}/zone")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ZoneLines.Read).ToList();

        Assert.Equal(12, lines.Count);
        Assert.Equal(2, lines.Count(line => line.Type == "CNAME"));
        Assert.All(lines.Where(line => line.Type == "CNAME"), alias => Assert.Single(lines, line => line.Name == alias.Name));
        Assert.Equal(lines.Count, lines.DistinctBy(line => (line.Name, line.Type)).Count());
    }

    [Fact]
    public async Task An_MTA_STS_policy_is_served_to_its_own_host_alone_and_only_for_a_verified_domain_that_asked()
    {
        var tenant = await host.NewTenant();
        async Task<(HttpStatusCode, string)> Policy(string of)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/.well-known/mta-sts.txt") { Headers = { Host = of } };
            using var response = await host.Anonymous.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        Assert.Equal(HttpStatusCode.NotFound, (await Policy($"mta-sts.bounces.{tenant.Domain}")).Item1);
        await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/domains/{tenant.DomainId}", new { mtaSts = true }));
        var pending = NewName();
        await Register(tenant, pending, new { mtaSts = true });

        var (status, text) = await Policy($"MTA-STS.bounces.{tenant.Domain}");

        Assert.Equal((HttpStatusCode.OK, $"version: STSv1\r\nmode: enforce\r\nmx: {TestHost.ServiceHost}\r\nmax_age: 604800\r\n"), (status, text));
        foreach (var other in (string[])[tenant.Domain, $"mta-sts.{tenant.Domain}", $"bounces.{tenant.Domain}", $"mta-sts.bounces.{pending}", "mta-sts.bounces.", "localhost"])
            Assert.Equal(HttpStatusCode.NotFound, (await Policy(other)).Item1);
    }

    [Fact]
    public async Task Health_tells_what_receivers_see()
    {
        var tenant = await host.AnyTenant();
        var name = NewName();
        var id = (await Register(tenant, name)).GetProperty("id").GetString();
        host.Dns.Publish(await tenant.Live.GetStringAsync($"/domains/{id}/zone"));
        JsonElement health = default;
        // That there was no record a moment ago is in the resolver's cache, for a second.
        await Eventually.HoldsAsync(async () =>
        {
            await Verify(tenant, id);
            health = await TestHost.Json(await tenant.Live.GetAsync($"/domains/{id}/health"));
            return health.GetProperty("spf").EnumerateArray().All(it => it.GetProperty("lookups").GetInt32() > 0);
        }, TimeSpan.FromSeconds(60), "the SPF records are counted", TestContext.Current.CancellationToken);

        Assert.Contains(health.GetProperty("dnssec").GetProperty("state").GetString(), (string[])["secure", "insecure", "bogus", "indeterminate"]);
        Assert.Equal([($"bounces.{name}", 1), (name, 1)], health.GetProperty("spf").EnumerateArray().Select(it => (it.GetProperty("domain").GetString(), it.GetProperty("lookups").GetInt32())));
        Assert.Equal("none", health.GetProperty("dmarc").GetProperty("policy").GetString());
        var key = Assert.Single(health.GetProperty("keys").EnumerateArray());
        Assert.Equal(("ma1", "active", 0), (key.GetProperty("selector").GetString(), key.GetProperty("state").GetString(), key.GetProperty("ageDays").GetInt32()));
        Assert.Equal(["from", "returnPath", "messageId", "dkim"], health.GetProperty("alignment").EnumerateArray()
            .Where(it => it.GetProperty("aligned").GetBoolean()).Select(it => it.GetProperty("identity").GetString()));
        Assert.Equal(TestHost.EgressAddress, Assert.Single(health.GetProperty("egress").EnumerateArray()).GetProperty("address").GetString());
        Assert.NotEqual(JsonValueKind.Null, health.GetProperty("checkedAt").ValueKind);
        Assert.Equal(7, health.GetProperty("records").GetArrayLength());
    }

    [Fact]
    public async Task A_name_that_looks_like_another_tenants_is_warned_of_without_naming_it()
    {
        var victim = await host.NewTenant(domain: $"mail.paypal-{Guid.NewGuid():N}.example");
        var tenant = await host.AnyTenant();

        var alike = await Register(tenant, victim.Domain.Replace("paypal", "pаypal", StringComparison.Ordinal));

        var warning = Assert.Single(alike.GetProperty("warnings").EnumerateArray()).GetString()!;
        Assert.DoesNotContain("paypal", warning, StringComparison.Ordinal);
        Assert.DoesNotContain(victim.Id, warning, StringComparison.Ordinal);
        Assert.StartsWith("mail.xn--", alike.GetProperty("name").GetString(), StringComparison.Ordinal);
        Assert.False((await TestHost.Json(await tenant.Live.GetAsync($"/domains/{alike.GetProperty("id").GetString()}"))).TryGetProperty("warnings", out _));
    }

    [Fact]
    public async Task Checks_count_against_the_tenants_rate()
    {
        var tenant = await host.NewTenant(perSecond: 1, burst: 2);
        var statuses = new List<HttpStatusCode>();
        for (var turn = 0; turn < 4; turn++) statuses.Add((await tenant.Live.PostAsync($"/domains/{tenant.DomainId}/verify", null)).StatusCode);

        Assert.Equal(HttpStatusCode.OK, statuses[0]);
        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
    }

    internal static string NewName() => $"mail.shop-{Guid.NewGuid():N}.example";

    internal static async Task<JsonElement> Register(TestTenant tenant, string name, object? settings = null)
    {
        var body = JsonSerializer.SerializeToNode(settings ?? new { })!.AsObject();
        body["name"] = name;
        body["categories"] = JsonSerializer.SerializeToNode(new[] { "notification" });
        body["dkim"] ??= JsonSerializer.SerializeToNode(new { selector = AnyKey.Selector, privateKey = AnyKey.Pem });
        using var response = await tenant.Live.PostAsJsonAsync("/domains", body);
        var domain = await TestHost.Json(response);
        Assert.Equal((HttpStatusCode.Created, $"/domains/{domain.GetProperty("id").GetString()}"), (response.StatusCode, response.Headers.Location?.ToString()));
        return domain;
    }

    internal static async Task<JsonElement> Verify(TestTenant tenant, string? id) => await TestHost.Json(await tenant.Live.PostAsync($"/domains/{id}/verify", null));

    private static Dictionary<string, string?> Values(JsonElement domain) => domain.GetProperty("records").EnumerateArray()
        .DistinctBy(record => record.GetProperty("purpose").GetString()).ToDictionary(record => record.GetProperty("purpose").GetString()!, record => record.GetProperty("value").GetString());

    private static Task<HttpResponseMessage> Send(TestTenant tenant, string domain)
    {
        var mail = tenant.Mail("ann@example.net");
        mail["from"] = $"orders@{domain}";
        return tenant.Live.PostAsJsonAsync("/send", mail);
    }

    private static async Task<List<string?>> Told(TestTenant tenant, string name)
    {
        var types = new List<string?>();
        for (string? after = null; ;)
        {
            var page = await TestHost.Json(await tenant.Live.GetAsync("/events?limit=100" + (after is null ? "" : $"&after={after}")));
            types.AddRange(page.GetProperty("items").EnumerateArray()
                .Where(it => it.GetProperty("data").TryGetProperty("domain", out var domain) && domain.GetString() == name && it.GetProperty("type").GetString()!.StartsWith("domain.", StringComparison.Ordinal))
                .Select(it => it.GetProperty("type").GetString()));
            if (page.GetProperty("items").GetArrayLength() == 0) return types;
            after = page.GetProperty("next").GetString();
        }
    }
}
