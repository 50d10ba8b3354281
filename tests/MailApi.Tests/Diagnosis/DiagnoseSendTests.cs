using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using MailApi.Tests.Domains;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MailApi.Tests.Diagnosis;

/// <summary><c>POST /diagnose/send</c> over HTTP: everything is asked, nothing is sent.</summary>
public sealed class DiagnoseSendTests(TestHost host)
{
    [Fact]
    public async Task A_message_of_a_domain_with_its_records_passes_authentication_and_is_rendered_as_it_would_leave()
    {
        var tenant = await Published();

        var verdict = await Ask(tenant, tenant.Mail("ann@example.net"));

        Assert.All((string[])["spf", "dkim", "dmarc"], name => Assert.Equal("pass", Result(verdict, name)));
        Assert.Equal(("pass", "pass", true), (verdict.GetProperty("authentication").GetProperty("spf").GetProperty("result").GetString(),
            verdict.GetProperty("authentication").GetProperty("dmarc").GetProperty("result").GetString(), verdict.GetProperty("authentication").GetProperty("wouldPass").GetBoolean()));
        var message = verdict.GetProperty("message");
        Assert.Equal((TestHost.EgressAddress, "out.mailapi.test", "ann@example.net", 1), (message.GetProperty("clientIp").GetString(), message.GetProperty("helo").GetString(),
            message.GetProperty("recipient").GetString(), message.GetProperty("recipients").GetInt32()));
        Assert.EndsWith("@bounces." + tenant.Domain, message.GetProperty("mailFrom").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("DKIM-Signature: ", message.GetProperty("raw").GetString(), StringComparison.Ordinal);
        Assert.InRange(verdict.GetProperty("score").GetDouble(), 5, 10);
    }

    [Fact]
    public async Task Behind_a_relay_nothing_is_said_of_the_address_that_only_its_keeper_knows()
    {
        var tenant = await Published();
        await TestHost.Json(await tenant.Live.PostAsJsonAsync("/relays", new { name = "relay", host = "smtp.relay.example", category = "marketing" }));

        var mail = tenant.Mail("ann@example.net");
        Assert.Equal("pass", Result(await Ask(tenant, mail), "spf"));
        mail["category"] = "marketing";
        var verdict = await Ask(tenant, mail);

        Assert.False(verdict.GetProperty("message").TryGetProperty("clientIp", out _));
        Assert.Equal("warn", Result(verdict, "spf"));
        Assert.Contains("the relay smtp.relay.example", verdict.GetRawText(), StringComparison.Ordinal);
        // The signature passes through it.
        Assert.All((string[])["dkim", "dmarc"], name => Assert.Equal("pass", Result(verdict, name)));
    }

    [Fact]
    public async Task Every_check_has_its_reason_and_all_but_a_pass_a_cure()
    {
        var tenant = await host.AnyTenant();
        var mail = tenant.Mail("ann@example.net");
        mail["subject"] = "FREE!!! BUY NOW";
        mail["html"] = "<script>x()</script><a href=\"http://192.0.2.1/\">https://bank.example</a>";
        mail["category"] = "marketing";

        var verdict = await Ask(tenant, mail);

        var checks = verdict.GetProperty("checks").EnumerateArray().ToList();
        Assert.True(checks.Count >= 40, $"{checks.Count} checks");
        Assert.Equal(checks.Count, checks.Select(check => check.GetProperty("name").GetString()).Distinct().Count());
        Assert.All(checks, check =>
        {
            Assert.NotEmpty(check.GetProperty("reason").GetString()!);
            Assert.NotEmpty(check.GetProperty("group").GetString()!);
            var isPass = check.GetProperty("result").GetString() switch { "pass" => true, "warn" or "fail" => false, var other => throw new FormatException(other) };
            Assert.Equal(isPass, !check.TryGetProperty("cure", out var cure) || string.IsNullOrEmpty(cure.GetString()));
        });
        Assert.Contains(checks, check => check.GetProperty("result").GetString() == "fail");
        Assert.InRange(verdict.GetProperty("score").GetDouble(), 0, 4);
    }

    [Theory]
    [InlineData(CheckResult.Warn, "\"warn\"")]
    [InlineData(CheckGroup.SpamFilter, "\"spamFilter\"")]
    [InlineData(BlocklistState.Listed, "\"listed\"")]
    public void What_the_checks_say_is_told_in_words(object value, string json) =>
        Assert.Equal(json, JsonSerializer.Serialize(value, value.GetType(), host.Services.GetRequiredService<IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions));

    [Fact]
    public async Task Nothing_is_stored_and_nothing_leaves()
    {
        var tenant = await host.NewTenant();
        var before = host.Sink.Messages.Count(message => message.Text.Contains(tenant.Domain, StringComparison.Ordinal));

        var verdict = await Ask(tenant, tenant.Mail("ann@example.net"));

        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/messages"))).GetProperty("items").EnumerateArray());
        Assert.DoesNotContain((await TestHost.Json(await tenant.Live.GetAsync("/events"))).GetProperty("items").EnumerateArray(),
            it => it.GetProperty("type").GetString()!.StartsWith("message.", StringComparison.Ordinal));
        Assert.Equal(before, host.Sink.Messages.Count(message => message.Text.Contains(tenant.Domain, StringComparison.Ordinal)));
        Assert.NotEmpty(verdict.GetProperty("checks").EnumerateArray());
    }

    [Fact]
    public async Task Suppressed_recipients_and_domains_that_take_no_mail_are_named()
    {
        var tenant = await host.AnyTenant();
        var gone = $"gone-{Guid.NewGuid():N}@example.net";
        await TestHost.Json(await tenant.Live.PostAsJsonAsync("/suppressions", new { address = gone, reason = "manual" }));

        var verdict = await Ask(tenant, tenant.Mail(gone, "ann@no-such-domain.invalid"));

        foreach (var (name, named) in (IEnumerable<(string, string)>)[("suppression", gone), ("recipientDomains", "no-such-domain.invalid")])
        {
            Assert.Equal("fail", Result(verdict, name));
            Assert.Contains(named, Check(verdict, name).GetProperty("reason").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_records_the_verdict_says_what_to_publish_and_the_score_is_capped()
    {
        var tenant = await host.AnyTenant();

        var verdict = await Ask(tenant, tenant.Mail("ann@example.net"));

        Assert.Equal("fail", Result(verdict, "dkim"));
        Assert.Contains(tenant.Domain, Check(verdict, "dkim").GetProperty("cure").GetString(), StringComparison.Ordinal);
        Assert.True(verdict.GetProperty("score").GetDouble() <= 4);
    }

    [Fact]
    public async Task Who_may_not_send_is_not_answered_either()
    {
        var (tenant, other) = (await host.AnyTenant(), await host.NewTenant());
        var pending = DomainLifeTests.NewName();
        await DomainLifeTests.Register(tenant, pending);
        var unverified = tenant.Mail("ann@example.net");
        unverified["from"] = $"orders@{pending}";

        Assert.Equal(HttpStatusCode.Forbidden, await Status(other.Live, tenant.Mail("ann@example.net")));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(tenant.Live, unverified));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(await tenant.WithScopes("read"), tenant.Mail("ann@example.net")));
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(host.Anonymous, tenant.Mail("ann@example.net")));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await Status(tenant.Live, tenant.Mail("nobody")));
        Assert.Equal(HttpStatusCode.BadRequest, await Status(tenant.Live, new JsonObject { ["form"] = "a" }));
    }

    [Fact]
    public async Task What_is_too_large_to_send_is_too_large_to_diagnose()
    {
        var tenant = await host.AnyTenant();
        var mail = tenant.Mail("ann@example.net");
        mail["attachments"] = new JsonArray(new JsonObject { ["filename"] = "a.bin", ["content"] = Convert.ToBase64String(new byte[20 * 1024 * 1024]) });

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await Status(tenant.Live, mail));
    }

    /// <summary>A verified domain whose records are all in the zone.</summary>
    private async Task<TestTenant> Published()
    {
        var tenant = await host.NewTenant();
        host.Dns.Publish(await tenant.Live.GetStringAsync($"/domains/{tenant.DomainId}/zone"));
        return tenant;
    }

    private static async Task<JsonElement> Ask(TestTenant tenant, JsonObject mail) => await TestHost.Json(await tenant.Live.PostAsJsonAsync("/diagnose/send", mail));

    private static async Task<HttpStatusCode> Status(HttpClient client, JsonObject mail)
    {
        using var response = await client.PostAsync("/diagnose/send", new StringContent(mail.ToJsonString(), Encoding.UTF8, "application/json"));
        return response.StatusCode;
    }

    private static JsonElement Check(JsonElement verdict, string name) => verdict.GetProperty("checks").EnumerateArray().Single(check => check.GetProperty("name").GetString() == name);

    private static string? Result(JsonElement verdict, string name) => Check(verdict, name).GetProperty("result").GetString();
}
