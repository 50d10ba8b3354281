using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Mail.Dkim;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Domains;

/// <summary>The life of signing keys over HTTP, with every refusal.</summary>
public sealed class DkimLifeTests(TestHost host)
{
    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_key_follows_another_once_its_record_is_seen_and_the_old_one_stays_published()
    {
        var (tenant, id, name) = await VerifiedDomain();

        Assert.Equal([("ma1", "active"), ("ma2", "pending")], Keys(await Ok(tenant, $"{id}/dkim/rotate")));
        await Refused(HttpStatusCode.Conflict, "already waits", tenant, $"{id}/dkim/rotate");
        await Refused(HttpStatusCode.Conflict, "not there yet", tenant, $"{id}/dkim/ma2/activate");
        host.Dns.Txt($"ma2._domainkey.{name}", await ValueOf(tenant, id, "ma2"));

        Assert.Equal([("ma1", "retiring"), ("ma2", "active")], Keys(await Ok(tenant, $"{id}/dkim/ma2/activate")));
        Assert.StartsWith("v=DKIM1; k=rsa; p=MII", await ValueOf(tenant, id, "ma1"), StringComparison.Ordinal);
        Assert.Equal("verified", (await DomainLifeTests.Verify(tenant, id)).GetProperty("state").GetString());

        await Refused(HttpStatusCode.Conflict, "is the key that signs", tenant, $"{id}/dkim/ma2/revoke");
        Assert.Equal([("ma1", "revoked"), ("ma2", "active")], Keys(await Ok(tenant, $"{id}/dkim/ma1/revoke")));
        Assert.Equal("v=DKIM1; p=", await ValueOf(tenant, id, "ma1"));
        await Refused(HttpStatusCode.Conflict, "revoked already", tenant, $"{id}/dkim/ma1/revoke");

        // The revoked record may be in caches: its name rests.
        Assert.Equal([("ma1", "revoked"), ("ma2", "active"), ("ma3", "pending")], Keys(await Ok(tenant, $"{id}/dkim/rotate")));
        Assert.Equal([("ma1", "revoked"), ("ma2", "active"), ("ma3", "pending"), ("mae1", "pending")], Keys(await Ok(tenant, $"{id}/dkim/rotate?algorithm=ed25519")));
        Assert.StartsWith("v=DKIM1; k=ed25519; p=", await ValueOf(tenant, id, "mae1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotations_at_once_make_one_key()
    {
        var (tenant, id, _) = await VerifiedDomain();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => tenant.Live.PostAsync($"/domains/{id}/dkim/rotate", null)));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.Conflict, HttpStatusCode.Conflict], answers.Select(answer => answer.StatusCode).Order());
    }

    [Fact]
    public async Task A_key_made_elsewhere_signs_like_one_made_here()
    {
        var (tenant, id, name) = await VerifiedDomain();
        using var rsa = RSA.Create(2048);

        var imported = await TestHost.Json(await Import(tenant, id, "shop-2026", rsa.ExportPkcs8PrivateKeyPem()));

        Assert.Equal([("ma1", "active"), ("shop-2026", "pending")], Keys(imported));
        var value = await ValueOf(tenant, id, "shop-2026");
        Assert.Equal("v=DKIM1; k=rsa; p=" + Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()), value);
        Assert.DoesNotContain("PRIVATE", imported.GetRawText(), StringComparison.Ordinal);
        using (var again = await Import(tenant, id, "shop-2027", rsa.ExportPkcs8PrivateKeyPem())) Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        host.Dns.Txt($"shop-2026._domainkey.{name}", value);
        Assert.Equal([("ma1", "retiring"), ("shop-2026", "active")], Keys(await DomainLifeTests.Verify(tenant, id)));
        using var taken = await Import(tenant, id, "shop-2026", rsa.ExportPkcs8PrivateKeyPem());
        Assert.Equal(HttpStatusCode.Conflict, taken.StatusCode);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_domain_that_brings_its_key_along_signs_with_it_and_needs_no_other()
    {
        var tenant = await host.AnyTenant();
        using var rsa = RSA.Create(2048);
        var registered = await DomainLifeTests.Register(tenant, DomainLifeTests.NewName(), new { dkim = new { selector = "shop-2025", privateKey = rsa.ExportPkcs8PrivateKeyPem() } });

        Assert.Equal([("shop-2025", "active")], Keys(registered));
        Assert.Equal("v=DKIM1; k=rsa; p=" + Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()), await ValueOf(tenant, registered.GetProperty("id").GetString()!, "shop-2025"));
        Assert.DoesNotContain("PRIVATE", registered.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPPER", "rsa", "dkim.selector")]
    [InlineData("good", "nonsense", "dkim.privateKey")]
    [InlineData("good", "ed25519", "dkim.privateKey")]
    [InlineData("sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss", "rsa", "dkim.selector")]
    public async Task A_key_that_cannot_sign_alone_is_refused_with_the_domain(string selector, string key, string field)
    {
        var tenant = await host.AnyTenant();
        var label = new string('a', 60);
        using var ed25519 = SigningKey.Generate(SigningAlgorithm.Ed25519Sha256);
        var pem = key switch { "rsa" => AnyKey.Pem, "ed25519" => PemEncoding.WriteString("PRIVATE KEY", ed25519.ExportPrivate()), _ => key };

        using var response = await tenant.Live.PostAsJsonAsync("/domains", new
        {
            name = $"{Guid.NewGuid():N}.{label}.{label}.{label}.example",
            categories = new[] { "notification" },
            dkim = new { selector, privateKey = pem },
        });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal([field], problem.RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name));
    }

    [Trait("Takes", "seconds")]
    [Theory]
    [InlineData("", "key", "selector")]
    [InlineData("a.b", "key", "selector")]
    [InlineData("-a", "key", "selector")]
    [InlineData("UPPER", "key", "selector")]
    [InlineData("good", "", "privateKey")]
    [InlineData("good", "nonsense", "privateKey")]
    [InlineData("good", "weak", "privateKey")]
    [InlineData("good", "public", "privateKey")]
    public async Task What_is_no_usable_key_is_refused_with_the_field_named(string selector, string key, string field)
    {
        var tenant = await host.AnyTenant();
        using var rsa = RSA.Create(key == "weak" ? 1024 : 2048);
        var pem = key switch { "key" or "weak" => rsa.ExportPkcs8PrivateKeyPem(), "public" => rsa.ExportSubjectPublicKeyInfoPem(), _ => key };

        using var response = await Import(tenant, tenant.DomainId, selector, pem);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal([field], JsonDocument.Parse(text).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name));
        if (pem.Length > 100) Assert.DoesNotContain(pem.Split('\n')[2], text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_selector_that_makes_a_name_too_long_is_refused()
    {
        var tenant = await host.AnyTenant();
        var label = new string('a', 60);
        var id = (await DomainLifeTests.Register(tenant, $"{Guid.NewGuid():N}.{label}.{label}.{label}.example")).GetProperty("id").GetString();
        using var rsa = RSA.Create(2048);

        using var response = await Import(tenant, id, new string('s', 63), rsa.ExportPkcs8PrivateKeyPem());

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Contains("name a shorter selector", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_things_and_wrong_algorithms_are_told()
    {
        var tenant = await host.AnyTenant();

        await Refused(HttpStatusCode.UnprocessableEntity, "rsa or ed25519", tenant, $"{tenant.DomainId}/dkim/rotate?algorithm=dsa");
        await Refused(HttpStatusCode.NotFound, "not-found", tenant, $"{tenant.DomainId}/dkim/none/activate");
        await Refused(HttpStatusCode.NotFound, "not-found", tenant, $"{tenant.DomainId}/dkim/none/revoke");
        await Refused(HttpStatusCode.Conflict, "not pending", tenant, $"{tenant.DomainId}/dkim/ma1/activate");
    }

    [Fact]
    public async Task Where_the_operator_vouches_a_key_signs_when_he_says_so()
    {
        var tenant = await host.NewTenant();
        await Ok(tenant, $"{tenant.DomainId}/dkim/rotate");

        Assert.Equal([("ma1", "retiring"), ("ma2", "active")], Keys(await Ok(tenant, $"{tenant.DomainId}/dkim/ma2/activate")));
    }

    private async Task<(TestTenant, string, string)> VerifiedDomain()
    {
        var tenant = await host.AnyTenant();
        var name = DomainLifeTests.NewName();
        var id = (await DomainLifeTests.Register(tenant, name)).GetProperty("id").GetString()!;
        host.Dns.Publish(await tenant.Live.GetStringAsync($"/domains/{id}/zone"));
        Assert.Equal("verified", (await DomainLifeTests.Verify(tenant, id)).GetProperty("state").GetString());
        return (tenant, id, name);
    }

    private static Task<HttpResponseMessage> Import(TestTenant tenant, string? id, string selector, string privateKey) =>
        tenant.Live.PostAsJsonAsync($"/domains/{id}/dkim/import", new { selector, privateKey });

    private static async Task<JsonElement> Ok(TestTenant tenant, string path) => await TestHost.Json(await tenant.Live.PostAsync("/domains/" + path, null));

    private static async Task Refused(HttpStatusCode status, string words, TestTenant tenant, string path)
    {
        using var response = await tenant.Live.PostAsync("/domains/" + path, null);
        Assert.Equal(status, response.StatusCode);
        Assert.Contains(words, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task<string> ValueOf(TestTenant tenant, string id, string selector) =>
        Dkim(await TestHost.Json(await tenant.Live.GetAsync($"/domains/{id}"))).Single(record => record.GetProperty("name").GetString()!.StartsWith(selector + ".", StringComparison.Ordinal))
            .GetProperty("value").GetString()!;

    private static List<(string, string?)> Keys(JsonElement domain) =>
        [.. Dkim(domain).Select(record => (record.GetProperty("name").GetString()!.Split('.')[0], record.GetProperty("key").GetString()))];

    private static IEnumerable<JsonElement> Dkim(JsonElement domain) => domain.GetProperty("records").EnumerateArray().Where(record => record.GetProperty("purpose").GetString() == "dkim");
}
