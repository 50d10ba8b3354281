using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Relays;

/// <summary>From the resource to the wire, over HTTP, with scripted mail servers as relays.</summary>
public sealed class RelayDeliveryTests(TestHost host)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly SinkCredentials Login = new("shop", "correct horse");

    [Fact]
    public async Task Mail_of_its_scope_goes_through_the_relay_and_other_mail_does_not_until_it_is_removed()
    {
        var tenant = await host.NewTenant();
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireAuth = Login });
        var made = await Relay(tenant, relay, new { username = Login.User, password = Login.Password, category = "notification" });
        var (through, past, after) = (Address(), Address(), Address());

        await tenant.WaitFor(await tenant.Send(tenant.Mail(through)), "delivered");
        var support = tenant.Mail(past);
        support["category"] = "support";
        await tenant.WaitFor(await tenant.Send(support), "delivered");
        await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/relays/{made}", new { enabled = false }));
        await tenant.WaitFor(await tenant.Send(tenant.Mail(after)), "delivered");

        Assert.Equal([through], relay.Messages.Select(mail => mail.Recipient));
        Assert.Equal(Login.User, relay.Messages[0].Session.User);
        Assert.Equal([past, after], host.Sink.Messages.Select(mail => mail.Recipient).Where(recipient => recipient == past || recipient == after || recipient == through));
    }

    [Theory]
    [InlineData("554 5.7.1 no mail from you", "refused", 1)]
    [InlineData("421 4.7.0 too many connections", "busy", 3)]
    [InlineData(null, "wrong password", 1)]
    [InlineData(null, "no connection", 0)]
    public async Task A_relay_that_fails_is_passed_over_in_the_same_attempt_and_rests_unless_it_is_just_busy(string? greeting, string fault, int connections)
    {
        var tenant = await host.NewTenant();
        await using var first = ScriptedSink.Start(new SinkOptions { RequireAuth = Login, Greeting = greeting });
        await using var second = ScriptedSink.Start(new SinkOptions { RequireAuth = Login });
        await Relay(tenant, first, new { username = Login.User, password = fault == "wrong password" ? "x" : Login.Password });
        await Relay(tenant, second, new { username = Login.User, password = Login.Password, priority = 1 });
        if (fault == "no connection") await first.StopAsync();

        foreach (var _ in new[] { 1, 2, 3 })
        {
            var message = await tenant.WaitFor(await tenant.Send(tenant.Mail(Address())), "delivered");
            Assert.Equal(1, message.GetProperty("recipients")[0].GetProperty("attempts").GetInt32());
        }

        Assert.Equal((0, 3), (first.Count, second.Count));
        Assert.Equal(connections, first.ConnectionsEver);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task When_all_relays_fail_mail_is_deferred_with_the_reason_and_a_change_ends_the_rest()
    {
        var tenant = await host.NewTenant();
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireAuth = Login });
        var made = await Relay(tenant, relay, new { username = Login.User, password = "wrong" });
        var id = await tenant.Send(tenant.Mail(Address()));

        var deferred = await Deferred(tenant, id);
        Assert.Contains("535", deferred, StringComparison.Ordinal);
        Assert.DoesNotContain(host.Sink.Messages, mail => mail.MessageId.Contains(id, StringComparison.Ordinal));
        // Retries come every second; the password is not said again before the rest is over.
        await Eventually.HoldsAsync(async () => (await Events(tenant, id)).Count(it => it == "message.deferred") > 2, Patience, "tried again", CancellationToken.None);
        Assert.Single(relay.Sessions.SelectMany(session => session.Transcript), line => line.StartsWith("C: AUTH", StringComparison.Ordinal));

        await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/relays/{made}", new { password = Login.Password }));
        await tenant.WaitFor(id, "delivered");
    }

    [Theory]
    [Trait("Takes", "seconds")]
    [InlineData(true), InlineData(false)]
    public async Task A_wrong_password_is_not_said_for_every_message(bool isDefault)
    {
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireAuth = Login });
        await using var own = isDefault
            ? new TestHost { Settings = ["Delivery:Relay:Host=127.0.0.1", $"Delivery:Relay:Port={relay.Port}", "Delivery:Relay:Tls=None", $"Delivery:Relay:Username={Login.User}", "Delivery:Relay:Password=wrong"] }
            : null;
        if (own is not null) await own.InitializeAsync();
        var tenant = await (own ?? host).NewTenant();
        if (!isDefault) await Relay(tenant, relay, new { username = Login.User, password = "wrong" });

        var first = await tenant.Send(tenant.Mail(Address()));
        Assert.Contains("535", await Deferred(tenant, first), StringComparison.Ordinal);
        var id = await tenant.Send(tenant.Mail([.. Enumerable.Range(0, 40).Select(_ => Address())]));

        await tenant.WaitFor(id, "deferred");
        Assert.Contains("535", await Deferred(tenant, id), StringComparison.Ordinal);
        Assert.Single(relay.Sessions.SelectMany(session => session.Transcript), line => line.StartsWith("C: AUTH", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task What_a_relay_says_of_the_mail_itself_is_its_last_word()
    {
        var tenant = await host.NewTenant();
        await using var first = ScriptedSink.Start();
        await using var second = ScriptedSink.Start();
        await Relay(tenant, first, new { });
        await Relay(tenant, second, new { priority = 1 });

        await tenant.WaitFor(await tenant.Send(tenant.Mail($"550-{Address()}")), "bounced");
        await tenant.WaitFor(await tenant.Send(tenant.Mail($"451-1-{Address()}")), "delivered");

        Assert.Equal((1, 0), (first.Count, second.ConnectionsEver));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Relays_of_one_priority_share_the_mail()
    {
        var tenant = await host.NewTenant();
        await using var one = ScriptedSink.Start();
        await using var other = ScriptedSink.Start();
        await Relay(tenant, one, new { weight = 500 });
        await Relay(tenant, other, new { weight = 500 });

        await tenant.WaitFor(await tenant.Send(tenant.Mail([.. Enumerable.Range(0, 60).Select(_ => Address())])), "delivered");

        // Chance gives one of them fewer than ten of sixty less than once in ten million runs.
        Assert.Equal(60, one.Count + other.Count);
        Assert.InRange(one.Count, 10, 50);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_relay_gets_no_more_in_a_second_than_its_limit_and_waiting_mail_does_not_age()
    {
        var tenant = await host.NewTenant();
        await using var relay = ScriptedSink.Start();
        await Relay(tenant, relay, new { limits = new { perSecond = 4, burst = 1 } });

        var message = await tenant.WaitFor(await tenant.Send(tenant.Mail([.. Enumerable.Range(0, 7).Select(_ => Address())])), "delivered");

        var times = relay.Messages.Select(mail => mail.Time).Order().ToList();
        // A second and a half between leaving; the first may arrive late, when the machine is busy.
        Assert.InRange((times[^1] - times[0]).TotalSeconds, 0.7, 15);
        Assert.DoesNotContain("message.deferred", await Events(tenant, message.GetProperty("id").GetString()!));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task What_a_relay_may_not_have_now_goes_to_the_next()
    {
        var tenant = await host.NewTenant();
        await using var first = ScriptedSink.Start();
        await using var second = ScriptedSink.Start();
        await Relay(tenant, first, new { limits = new { perSecond = 1, burst = 1 } });
        await Relay(tenant, second, new { priority = 1 });

        await tenant.WaitFor(await tenant.Send(tenant.Mail([.. Enumerable.Range(0, 7).Select(_ => Address())])), "delivered");

        Assert.Equal(7, first.Count + second.Count);
        Assert.InRange(first.Count, 1, 6);
    }

    [Theory]
    [InlineData("xOAuth2"), InlineData("oAuthBearer"), InlineData(null)]
    public async Task A_token_logs_in_and_one_that_the_relay_refuses_is_renewed_in_the_same_attempt(string? auth)
    {
        var tenant = await host.NewTenant();
        await using var tokens = await TokenServer.StartAsync();
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireToken = (user, token) => user == "shop@relay.test" && tokens.Accepts(token) });
        await Relay(tenant, relay, new { auth, username = "shop@relay.test", oauth = OAuth(tokens) });

        await tenant.WaitFor(await tenant.Send(tenant.Mail(Address())), "delivered");
        tokens.RevokeAll();
        await relay.StopAsync();
        relay.Listen();
        var message = await tenant.WaitFor(await tenant.Send(tenant.Mail(Address())), "delivered");

        Assert.Equal(1, message.GetProperty("recipients")[0].GetProperty("attempts").GetInt32());
        Assert.Equal(2, tokens.Requests.Count);
        Assert.Equal(2, relay.Count);
        if (auth is not null) Assert.Contains(relay.Sessions[0].Transcript, line => line.StartsWith($"C: AUTH {auth.ToUpperInvariant()} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_fresh_token_that_is_refused_is_not_renewed_again_and_the_next_relay_takes_over()
    {
        var tenant = await host.NewTenant();
        await using var tokens = await TokenServer.StartAsync();
        await using var deaf = ScriptedSink.Start(new SinkOptions { RequireToken = (_, _) => false });
        await using var second = ScriptedSink.Start();
        await Relay(tenant, deaf, new { username = "shop@relay.test", oauth = OAuth(tokens) });
        await Relay(tenant, second, new { priority = 1 });

        await tenant.WaitFor(await tenant.Send(tenant.Mail(Address())), "delivered");

        Assert.Equal((1, 1, 1), (tokens.Requests.Count, deaf.ConnectionsEver, second.Count));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Without_a_token_mail_waits_and_the_reason_says_what_to_do()
    {
        var tenant = await host.NewTenant();
        await using var tokens = await TokenServer.StartAsync();
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireToken = (_, token) => tokens.Accepts(token) });
        tokens.Reauthorise("another");
        var made = await Relay(tenant, relay, new { username = "shop@relay.test", oauth = OAuth(tokens) });
        var id = await tenant.Send(tenant.Mail(Address()));

        Assert.Contains("authorise again", await Deferred(tenant, id), StringComparison.Ordinal);
        Assert.Equal(0, relay.ConnectionsEver);
        await TestHost.Json(await tenant.Live.PatchAsJsonAsync($"/relays/{made}", new { oauth = new { refreshToken = "another" } }));
        await tenant.WaitFor(id, "delivered");
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_test_tells_each_step_with_its_reply_and_sends_nothing()
    {
        var tenant = await host.NewTenant();
        await using var tokens = await TokenServer.StartAsync();
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireToken = (_, token) => tokens.Accepts(token) });
        var made = await Relay(tenant, relay, new { username = "shop@relay.test", oauth = OAuth(tokens), enabled = false });

        var result = await Test(tenant, made);

        Assert.True(result.GetProperty("ok").GetBoolean());
        Assert.Equal(["token", "address", "connect", "greeting", "hello", "login", "quit"], Steps(result).Select(step => step.Name));
        Assert.Equal("235 2.7.0 welcome", Steps(result).Single(step => step.Name == "login").Reply);
        Assert.Equal((0, 1), (relay.Count, relay.ConnectionsEver));
    }

    [Theory]
    [InlineData("password", "login", "535 5.7.8 wrong user or password", "user name and password")]
    [InlineData("startTls", "tls", null, "certificate")]
    [InlineData("implicit", "tls", null, "startTls")]
    [InlineData("down", "connect", null, "host and port")]
    [InlineData("greeting", "greeting", "554 5.7.1 no mail from you", "limit")]
    [InlineData("mechanism", "login", null, "mechanism")]
    [InlineData("address", "address", null, "misspelt")]
    public async Task A_test_that_fails_names_the_step_and_the_cure(string fault, string step, string? reply, string cure)
    {
        var tenant = await host.AnyTenant();
        await using var relay = ScriptedSink.Start(new SinkOptions { RequireAuth = Login, Greeting = fault == "greeting" ? "554 5.7.1 no mail from you" : null });
        var made = await Relay(tenant, relay, new
        {
            host = fault == "address" ? "nowhere.relay.test" : "127.0.0.1",
            tls = fault is "startTls" or "implicit" ? fault : "none",
            auth = fault == "mechanism" ? "cramMd5" : null,
            username = Login.User,
            password = "wrong",
            enabled = false,
        });
        if (fault == "down") await relay.StopAsync();

        var result = await Test(tenant, made);

        Assert.False(result.GetProperty("ok").GetBoolean());
        var failed = Steps(result).Single(it => !it.Ok);
        Assert.Equal((step, reply), (failed.Name, failed.Reply));
        Assert.Contains(cure, failed.Cure, StringComparison.Ordinal);
        Assert.Equal(failed, Steps(result)[^1]);
    }

    private static object OAuth(TokenServer tokens) =>
        new { provider = "custom", tokenEndpoint = tokens.Url, grant = "refreshToken", clientId = TokenServer.ClientId, clientSecret = TokenServer.ClientSecret, refreshToken = "refresh-0" };

    /// <summary>Makes a relay of the tenant's on a sink, in the clear; <paramref name="more"/> adds members or replaces them.</summary>
    private static async Task<string> Relay(TestTenant tenant, ScriptedSink sink, object more)
    {
        var body = JsonSerializer.SerializeToNode(new { name = "relay", host = "127.0.0.1", port = sink.Port, tls = "none" })!.AsObject();
        foreach (var (name, value) in JsonSerializer.SerializeToNode(more)!.AsObject()) body[name] = value?.DeepClone();
        return (await TestHost.Json(await tenant.Live.PostAsJsonAsync("/relays", body))).GetProperty("id").GetString()!;
    }

    private static string Address() => $"ann.{Guid.NewGuid():N}@example.net";

    private static async Task<JsonElement> Test(TestTenant tenant, string relay) => await TestHost.Json(await tenant.Live.PostAsync($"/relays/{relay}/test", null));

    private static List<(string Name, bool Ok, string? Reply, string? Cure)> Steps(JsonElement result) =>
    [
        .. result.GetProperty("steps").EnumerateArray().Select(step => (step.GetProperty("step").GetString()!, step.GetProperty("ok").GetBoolean(),
            step.TryGetProperty("reply", out var reply) ? reply.GetString() : null, step.TryGetProperty("cure", out var cure) ? cure.GetString() : null)),
    ];

    private static async Task<List<string>> Events(TestTenant tenant, string id) =>
        [.. (await TestHost.Json(await tenant.Live.GetAsync($"/messages/{id}"))).GetProperty("events").EnumerateArray().Select(it => it.GetProperty("type").GetString()!)];

    /// <summary>The first deferral as it is told.</summary>
    private static async Task<string> Deferred(TestTenant tenant, string id)
    {
        string? text = null;
        await Eventually.HoldsAsync(async () =>
        {
            var events = (await TestHost.Json(await tenant.Live.GetAsync($"/messages/{id}"))).GetProperty("events").EnumerateArray();
            text = events.FirstOrDefault(it => it.GetProperty("type").GetString() == "message.deferred") is { ValueKind: JsonValueKind.Object } found ? found.GetRawText() : null;
            return text is not null;
        }, Patience, $"{id} is deferred", CancellationToken.None);
        return text!;
    }
}
