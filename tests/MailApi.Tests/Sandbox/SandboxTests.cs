using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Mail.Bounces;
using MailApi.Sandbox;
using MailApi.Storage;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Sandbox;

public sealed class SandboxTests(TestHost host)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_test_key_sends_arrives_signed_and_can_be_read()
    {
        var tenant = await host.NewTenant();
        var mail = tenant.Mail("Ann <ann@anywhere.test>");
        mail["html"] = "<p>Your parcel left.</p>";
        mail["attachments"] = new JsonArray(new JsonObject { ["filename"] = "a.txt", ["contentType"] = "text/plain", ["content"] = Convert.ToBase64String("file"u8) });
        var id = await tenant.Send(mail, tenant.Test);
        await tenant.WaitFor(id, "delivered");

        var summary = Assert.Single(await List(tenant, $"?message={id}"));
        Assert.Equal(($"Example Shop <orders@{tenant.Domain}>", "ann@anywhere.test", id), (Text(summary, "from"), Text(summary, "recipient"), Text(summary, "message")));
        var message = await TestHost.Json(await tenant.Test.GetAsync($"/sandbox/messages/{Text(summary, "id")}", Ct));
        Assert.Equal(["Ann <ann@anywhere.test>"], message.GetProperty("to").EnumerateArray().Select(to => to.GetString()));
        Assert.Equal("Your parcel left our warehouse this morning.", Text(message, "text")!.Trim());
        Assert.Equal("<p>Your parcel left.</p>", Text(message, "html")!.Trim());
        Assert.Equal("a.txt", Text(Assert.Single(message.GetProperty("attachments").EnumerateArray()), "filename"));

        var verdicts = message.GetProperty("authentication").GetProperty("dkim").EnumerateArray().ToList();
        Assert.NotEmpty(verdicts);
        Assert.All(verdicts, verdict => Assert.Equal(("pass", tenant.Domain), (Text(verdict, "result"), Text(verdict, "domain"))));

        using var raw = await tenant.Test.GetAsync($"/sandbox/messages/{Text(summary, "id")}/raw", Ct);
        Assert.Equal("message/rfc822", raw.Content.Headers.ContentType?.ToString());
        Assert.Equal(Text(message, "raw"), await raw.Content.ReadAsStringAsync(Ct));
        Assert.Equal(message.GetProperty("size").GetInt32(), (await raw.Content.ReadAsByteArrayAsync(Ct)).Length);
    }

    [Theory]
    [InlineData("bounce@anywhere.test", "bounced", 550, "5.1.1")]
    [InlineData("Bounce+order1001@example.net", "bounced", 550, "5.1.1")]
    [InlineData("full@anywhere.test", "bounced", 552, "5.2.2")]
    [InlineData("defer@anywhere.test", "deferred", 451, "4.7.1")]
    [InlineData("complaint@anywhere.test", "delivered", 250, "2.0.0")]
    public async Task The_recipient_chooses_what_happens(string recipient, string state, int code, string enhanced)
    {
        var tenant = await host.NewTenant();
        var message = await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient), tenant.Test), state);
        var reply = message.GetProperty("recipients")[0].GetProperty("reply");
        Assert.Equal((code, enhanced), (reply.GetProperty("code").GetInt32(), Text(reply, "enhanced")));
        Assert.Equal(state == "delivered" ? 1 : 0, (await List(tenant, "")).Count);
    }

    [Fact]
    public async Task What_the_sandbox_refuses_is_not_suppressed()
    {
        var tenant = await host.NewTenant();
        for (var time = 0; time < 2; time++) await tenant.WaitFor(await tenant.Send(tenant.Mail("bounce@example.net"), tenant.Test), "bounced");
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/suppressions", Ct))).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task The_list_is_newest_first_in_pages_and_by_recipient()
    {
        var tenant = await host.NewTenant();
        var sent = new List<string>();
        foreach (var recipient in new[] { "a@anywhere.test", "b@anywhere.test", "a@anywhere.test" })
        {
            sent.Add(await tenant.Send(tenant.Mail(recipient), tenant.Test));
            await tenant.WaitFor(sent[^1], "delivered");
        }
        var seen = new List<string?>();
        for (var query = "?limit=2"; query.Length > 0;)
        {
            var page = await TestHost.Json(await tenant.Test.GetAsync("/sandbox/messages" + query, Ct));
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => Text(item, "message")));
            query = page.TryGetProperty("next", out var next) ? $"?limit=2&cursor={next.GetString()}" : "";
        }
        Assert.Equal(sent.AsEnumerable().Reverse(), seen);
        Assert.Equal([sent[2], sent[0]], (await List(tenant, "?recipient=A@anywhere.test")).Select(item => Text(item, "message")));
        Assert.Empty(await List(tenant, $"?message={sent[1]}&recipient=a@anywhere.test"));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("cursor=c2J4Xw", "cursor")]
    [InlineData("message=1", "message")]
    [InlineData("message=env_0198c0de0198c0de0198c0de0198c0de&limit=0&cursor=!", "cursor", "limit", "message")]
    public async Task Wrong_parameters_are_named(string query, params string[] fields)
    {
        var tenant = await host.NewTenant();
        using var response = await tenant.Test.GetAsync("/sandbox/messages?" + query, Ct);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal(fields, problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order());
    }

    [Fact]
    public async Task Another_tenant_sees_nothing_of_it()
    {
        var (tenant, other) = (await host.NewTenant(), await host.NewTenant());
        await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@anywhere.test"), tenant.Test), "delivered");
        var id = Text(Assert.Single(await List(tenant, "")), "id");
        Assert.Empty(await List(other, ""));
        foreach (var path in new[] { $"/sandbox/messages/{id}", $"/sandbox/messages/{id}/raw", "/sandbox/messages/sbx_1", $"/sandbox/messages/{id!.Replace("sbx_", "msg_", StringComparison.Ordinal)}" })
        {
            using var response = await other.Live.GetAsync(path, Ct);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task Only_return_paths_of_test_mail_are_taken()
    {
        var tenant = await host.NewTenant();
        var live = await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@example.net")), "delivered");
        Assert.True(PrefixedId.TryParse<EnvelopeId>(Text(live.GetProperty("recipients")[0], "id"), out var envelope));
        var tag = host.Services.GetRequiredService<Verp>().Tag(envelope.Value, new DateOnly(2100, 1, 1));

        var dialogue = await Talk("EHLO test", "MAIL FROM:<orders@shop.example>", "RCPT TO:<ann@example.net>", "RSET", "MAIL FROM:<>", "RCPT TO:<ann@example.net>", "RSET",
            $"MAIL FROM:<{tag}@bounces.shop.example>", "RCPT TO:<ann@example.net>", "DATA", "Subject: x\r\n\r\nx\r\n.", "QUIT");
        Assert.Equal(["220", "250", "250", "550 5.7.1", "250", "250", "550 5.7.1", "250", "250", "250", "354", "550 5.7.1", "221"],
            dialogue.Select(reply => reply.StartsWith("550", StringComparison.Ordinal) ? reply[..9] : reply[..3]));
        Assert.Empty(await List(tenant, ""));
    }

    [Fact]
    public async Task The_oldest_make_room()
    {
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail("first@anywhere.test"), tenant.Test), "delivered");
        Assert.True(PrefixedId.TryParse<TenantId>(tenant.Id, out var id));
        await host.Services.GetRequiredService<Db>().Write(async transaction =>
        {
            for (var age = 1; age <= SandboxInbox.MessagesPerTenantMax; age++)
                await transaction.Execute(
                    """
                    insert into sandbox_messages (id, tenant_id, message_id, envelope_id, mail_from, recipient, received_at, raw)
                    values (@id, @tenant, @id, @id, '', @recipient, 0, @raw)
                    """, Ct,
                    ("id", Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddYears(50).AddDays(-age))), ("tenant", id.Value), ("recipient", $"old-{age}@anywhere.test"), ("raw", Array.Empty<byte>()));
            return 0;
        }, Ct);

        await tenant.WaitFor(await tenant.Send(tenant.Mail("second@anywhere.test"), tenant.Test), "delivered");
        async Task<bool> IsKept(string recipient) => (await List(tenant, $"?recipient={recipient}@anywhere.test")).Count == 1;
        Assert.True(await IsKept("first"));
        Assert.True(await IsKept("second"));
        Assert.True(await IsKept($"old-{SandboxInbox.MessagesPerTenantMax - 2}"));
        Assert.False(await IsKept($"old-{SandboxInbox.MessagesPerTenantMax - 1}"));
        Assert.False(await IsKept($"old-{SandboxInbox.MessagesPerTenantMax}"));
    }

    private static async Task<List<JsonElement>> List(TestTenant tenant, string query) =>
        [.. (await TestHost.Json(await tenant.Test.GetAsync("/sandbox/messages" + query, Ct))).GetProperty("items").EnumerateArray()];

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    /// <summary>The greeting and the last line of each reply.</summary>
    private async Task<List<string>> Talk(params string[] commands)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(await host.Services.GetRequiredService<Listeners>().Sandbox(Ct), Ct);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var replies = new List<string> { await Reply() };
        foreach (var command in commands)
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), Ct);
            replies.Add(await Reply());
        }
        return replies;

        async Task<string> Reply()
        {
            var line = await reader.ReadLineAsync(Ct);
            while (line is [_, _, _, '-', ..]) line = await reader.ReadLineAsync(Ct);
            return line ?? "(closed)";
        }
    }
}
