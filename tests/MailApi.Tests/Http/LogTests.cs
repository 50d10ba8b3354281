using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MailApi.Testing;
using MailApi.Tests.Architecture;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailApi.Tests.Http;

/// <summary>S-28: logs tell who writes to whom and what, or carry keys, or can be made to tell what did not happen.</summary>
public sealed class LogTests(TestHost host)
{
    private readonly string canary = "canary" + Guid.NewGuid().ToString("N");

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task No_address_content_key_or_secret_comes_into_the_logs()
    {
        using var capture = new LogCapture();
        host.Services.GetRequiredService<ILoggerFactory>().AddProvider(capture);
        var tenant = await host.NewTenant();
        await using var endpoint = await WebhookReceiver.StartAsync();
        endpoint.Default = WebhookAnswer.Of(500);
        var webhook = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/webhooks", new { url = $"{endpoint.Url}?token={canary}", events = new[] { "*" } }));
        var testKey = tenant.Test.DefaultRequestHeaders.Authorization!.Parameter!;

        await Send(tenant);
        await RefuseMuch(tenant);
        using var rotated = await tenant.Live.PostAsync($"/webhooks/{webhook.GetProperty("id").GetString()}/rotate-secret", null);
        var secret = (await TestHost.Json(rotated)).GetProperty("secret").GetString()!;
        await Eventually.HoldsAsync(() => capture.Lines.Any(line => line.Contains(webhook.GetProperty("id").GetString()!, StringComparison.Ordinal)), TimeSpan.FromSeconds(60), "the failed webhook is logged", CancellationToken.None);

        string[] canaries = [canary, Convert.ToBase64String(Encoding.UTF8.GetBytes(canary))[..20], tenant.LiveKey[8..], testKey[8..], secret["whsec_".Length..], webhook.GetProperty("secret").GetString()!["whsec_".Length..], TestHost.AdminKey];
        Rule.Holds(capture.Lines.Where(line => canaries.Any(line.Contains)));
    }

    [Fact]
    public async Task Text_from_outside_begins_no_line_of_the_log()
    {
        using var capture = new LogCapture();
        host.Services.GetRequiredService<ILoggerFactory>().AddProvider(capture);
        string[] requests =
        [
            $"GET /%0d%0a{canary} HTTP/1.1\r\nHost: a\r\n\r\n", $"GET /u/%0a{canary} HTTP/1.1\r\nHost: a\r\n\r\n", $"{canary} / HTTP/1.1\r\nHost: a\r\n\r\n", $"GET /\n{canary} HTTP/1.1\r\n\r\n",
            $"GET / HTTP/1.1\r\nHost: a\r\nX: \u001b[2J{canary}\r\n\r\n", $"GET / HTTP/1.1\r\nHost: a\r\nX\n{canary}: 1\r\n\r\n", $"GET / HTTP/9.9{canary}\r\n\r\n", $"GET /messages?state=%0a{canary} HTTP/1.1\r\nHost: {canary}\r\nAuthorization: Bearer \t{canary}\r\n\r\n",
        ];
        foreach (var request in requests) await Raw(request);
        var tenant = await host.NewTenant();
        using var bad = await tenant.Live.PostAsync("/send", new StringContent($"{{\"\\n{canary}\":1}}", Encoding.UTF8, "application/json"));
        using var name = await tenant.Live.PostAsJsonAsync($"/tenants/{tenant.Id}/keys", new { name = $"\n{canary}", mode = "live" });
        // A delivery that fails inside the service is logged; so is the failing webhook. Their texts are ours alone.
        Rule.Holds(capture.Lines.Where(line => line.Contains(canary, StringComparison.Ordinal)));
        Rule.Holds(capture.Lines.Where(line => line.Split(" | ")[0].Any(char.IsControl)));
    }

    /// <summary>Every outcome that a message can have here.</summary>
    private async Task Send(TestTenant tenant)
    {
        foreach (var (local, state) in new[] { ("ok", "delivered"), ("550", "bounced"), ("550", "suppressed"), ("dot-550", "bounced"), ("451-1", "delivered"), ("garbage-1", "delivered"), ("reset-after-dot-dropped-1", "delivered") })
        {
            var mail = tenant.Mail($"{canary} <{local}-{canary}@example.net>");
            mail["from"] = $"{canary} <{canary}@{tenant.Domain}>";
            mail["subject"] = canary;
            mail["text"] = canary;
            mail["html"] = canary;
            mail["tags"] = new JsonArray(canary);
            mail["metadata"] = new JsonObject { [canary] = canary };
            mail["headers"] = new JsonObject { ["X-Canary"] = canary };
            mail["attachments"] = new JsonArray(new JsonObject { ["filename"] = canary, ["content"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(canary)) });
            await tenant.WaitFor(await tenant.Send(mail), state);
            await tenant.Send(mail, tenant.Test);
        }
        await tenant.WaitFor(await tenant.Send(tenant.Mail($"{canary}@{canary}.test")), "bounced");
    }

    /// <summary>Requests that are refused with the canary wherever a client can put it.</summary>
    private async Task RefuseMuch(TestTenant tenant)
    {
        foreach (var path in new[] { $"/{canary}", $"/messages/{canary}", $"/messages?cursor={canary}&state={canary}&limit={canary}", $"/messages?recipient={canary}@example.net", $"/suppressions?address={canary}", $"/recipients/{canary}@example.net/preferences", $"/u/{canary}", $"/events?after={canary}" })
            using (await tenant.Live.GetAsync(path)) { }
        foreach (var body in new[] { canary, $"{{\"{canary}\":1}}", $"{{\"from\":\"{canary}\"}}", $"{{\"subject\":\"{canary}\\ud800\"}}", $"{{\"to\":\"{canary}\"}}", $"{{\"sendAt\":\"{canary}\"}}" })
            foreach (var path in new[] { "/send", "/suppressions", "/webhooks", "/domains" })
                using (await tenant.Live.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"))) { }
        using var stranger = host.WithKey("mk_live_" + canary);
        using (await stranger.GetAsync("/messages")) { }
        using (await tenant.Live.PostAsJsonAsync("/suppressions", new { address = $"gone-{canary}@example.net" })) { }
        using (await tenant.Live.PostAsJsonAsync("/domains", new { name = $"{canary}.example", categories = new[] { "support" } })) { }
    }

    private async Task Raw(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Anonymous.BaseAddress!.Host, host.Anonymous.BaseAddress.Port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        var answer = new byte[4096];
        Assert.InRange(await socket.ReceiveAsync(answer), 1, answer.Length);
        Assert.Matches("^HTTP/1.1 4", Encoding.Latin1.GetString(answer));
    }
}
