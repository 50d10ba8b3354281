using MailApi.Api;
using MailApi.Delivery.Relays;
using MailApi.Mail.Routing;
using MailApi.OAuth;
using MailApi.Testing;
using MailApi.Tests.Domains;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailApi.Tests.Relays;

/// <summary>Against a real token endpoint, and the clock in our hands.</summary>
public sealed class OAuthTokensTests : IAsyncLifetime
{
    private readonly FakeTimeProvider clock = new();
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private readonly DnsResolver dns = new(new DnsOptions { Servers = [new(System.Net.IPAddress.Loopback, 1)], Retries = 0, Timeout = TimeSpan.FromMilliseconds(100) }, TimeProvider.System);
    private TokenServer server = null!;
    private SqliteStore store = null!;
    private RelayStore relays = null!;

    public async ValueTask InitializeAsync()
    {
        server = await TokenServer.StartAsync();
        store = await SqliteStore.Create(ct);
        relays = new RelayStore(store.Db, store.Vault);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        store.Dispose();
    }

    [Theory]
    [InlineData(3600, 3540)]
    [InlineData(30, 15)]
    [InlineData(null, 240)]
    public async Task A_token_serves_until_shortly_before_its_end(int? lifetime, int seconds)
    {
        server.Lifetime = lifetime is { } some ? TimeSpan.FromSeconds(some) : null;
        var relay = await Made(OAuthGrant.ClientCredentials);
        var tokens = Tokens();

        Assert.Equal("access-1", (await tokens.Get(relay, ct)).Token);
        clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.Equal("access-1", (await tokens.Get(relay, ct)).Token);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("access-2", (await tokens.Get(relay, ct)).Token);

        Assert.All(server.Requests, form => Assert.Equal("client_credentials", form["grant_type"]));
        Assert.All(server.Requests, form => Assert.Equal((TokenServer.ClientId, TokenServer.ClientSecret, "mail.send"), (form["client_id"], form["client_secret"], form["scope"])));
    }

    [Fact]
    public async Task However_many_want_one_the_endpoint_is_asked_once_at_a_time()
    {
        server.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var relay = await Made(OAuthGrant.ClientCredentials);
        var tokens = Tokens();
        using var impatient = new CancellationTokenSource();

        var asked = Enumerable.Range(0, 50).Select(_ => tokens.Get(relay, ct)).ToList();
        var left = tokens.Get(relay, impatient.Token);
        await Eventually.HoldsAsync(() => server.Requests.Count > 0, TimeSpan.FromSeconds(60), "asked", ct);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        server.Gate.SetResult();

        Assert.All(await Task.WhenAll(asked), token => Assert.Equal("access-1", token.Token));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_rotated_refresh_token_is_stored_sealed_and_serves_the_next_time_on_every_node()
    {
        server.Rotates = true;
        var relay = await Made(OAuthGrant.RefreshToken);

        Assert.Equal("access-1", (await Tokens().Get(relay, ct)).Token);

        Assert.Equal("refresh-1", await relays.RefreshToken(relay, ct));
        var stored = Assert.Single(await store.Db.Query("select refresh_token from relays", row => (byte[])row.GetValue(0), ct));
        Assert.Equal(-1, stored.AsSpan().IndexOf("refresh-1"u8));
        // Another node, with the relay as it was read before.
        Assert.Equal("access-2", (await Tokens().Get(relay, ct)).Token);
        Assert.Equal(["refresh-0", "refresh-1"], server.Requests.Select(form => form["refresh_token"]));
        Assert.All(server.Requests, form => Assert.Equal("refresh_token", form["grant_type"]));
        // The settings are the same: what is remembered of the relay stays.
        Assert.Equal(relay.ChangedAt, (await relays.Find(relay.Id, null, ofAnyone: true, ct))!.ChangedAt);
    }

    [Fact]
    public async Task A_node_whose_refresh_token_was_just_used_by_another_takes_the_new_one()
    {
        var relay = await Made(OAuthGrant.RefreshToken);
        server.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = Tokens().Get(relay, ct);
        await Eventually.HoldsAsync(() => server.Requests.Count > 0, TimeSpan.FromSeconds(60), "asked", ct);

        server.Reauthorise("refresh-other");
        await relays.Rotate(relay, "refresh-other", ct);
        server.Gate.SetResult();

        Assert.Equal("access-1", (await asked).Token);
        Assert.Equal(["refresh-0", "refresh-other"], server.Requests.Select(form => form["refresh_token"]));
    }

    [Fact]
    public async Task A_forgotten_token_and_changed_settings_ask_anew()
    {
        var relay = await Made(OAuthGrant.ClientCredentials);
        var tokens = Tokens();
        var first = await tokens.Get(relay, ct);

        tokens.Forget(relay, "another");
        Assert.Equal(first, await tokens.Get(relay, ct));
        tokens.Forget(relay, first.Token!);
        Assert.Equal("access-2", (await tokens.Get(relay, ct)).Token);
        Assert.Equal("access-3", (await tokens.Get(relay with { ChangedAt = relay.ChangedAt.AddSeconds(1) }, ct)).Token);
    }

    [Theory]
    [InlineData(400, """{"error":"invalid_grant","error_description":"Token has been expired or revoked."}""", "authorise again")]
    [InlineData(401, """{"error":"invalid_client"}""", "clientSecret")]
    [InlineData(400, """{"error":"invalid_scope","error_description":"nul\u0000and\nline"}""", "nul and line")]
    [InlineData(500, "<html>", "not the JSON")]
    [InlineData(200, "{}", "it answered 200")]
    [InlineData(200, """{"access_token":"with\u0001control"}""", "no token has")]
    [InlineData(302, "", "JSON")]
    public async Task A_refusal_says_what_to_do_and_is_not_remembered(int status, string body, string says)
    {
        server.AnswerNext(status, body);
        var relay = await Made(OAuthGrant.RefreshToken);
        var tokens = Tokens();

        var refused = await tokens.Get(relay, ct);

        Assert.Null(refused.Token);
        Assert.Contains(says, refused.Refusal, StringComparison.Ordinal);
        Assert.DoesNotContain(TokenServer.ClientSecret, refused.Refusal, StringComparison.Ordinal);
        Assert.Equal("access-1", (await tokens.Get(relay, ct)).Token);
    }

    [Fact]
    public async Task An_endless_answer_and_a_silent_endpoint_end()
    {
        var relay = await Made(OAuthGrant.ClientCredentials);
        server.AnswerNext(200, "{\"access_token\":\"" + new string('a', 100_000) + "\"}");
        Assert.Contains("64 KiB", (await Tokens().Get(relay, ct)).Refusal, StringComparison.Ordinal);

        server.Gate = new TaskCompletionSource();
        var asked = Tokens().Get(relay, ct);
        await Eventually.HoldsAsync(() => server.Requests.Count > 1, TimeSpan.FromSeconds(60), "asked", ct);
        clock.Advance(TimeSpan.FromSeconds(16));
        Assert.Contains("no answer within 15 s", (await asked).Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://login.example.com/token", "https")]
    [InlineData("ftp://login.example.com/token", "https")]
    [InlineData("https://login.example.com:22/token", "443")]
    [InlineData("https://user:pw@login.example.com/token", "user name")]
    [InlineData("https://127.0.0.1/token", "public internet")]
    [InlineData("https://0x7f000001/token", "public internet")]
    [InlineData("https://2130706433/token", "public internet")]
    [InlineData("https://[::ffff:127.0.0.1]/token", "public internet")]
    [InlineData("https://[64:ff9b::7f00:1]/token", "public internet")]
    [InlineData("https://169.254.169.254/token", "public internet")]
    [InlineData("login.example.com/token", "absolute")]
    public void Tokens_are_asked_for_on_the_public_internet_alone(string address, string says) =>
        Assert.Contains(says, TokenEndpoint.Refusal(address, allowPrivate: false), StringComparison.Ordinal);

    [Theory]
    [InlineData("https://login.example.com/token")]
    [InlineData("https://login.example.com:8443/token?x=1")]
    public void A_usual_endpoint_is_fit(string address) => Assert.Null(TokenEndpoint.Refusal(address, allowPrivate: false));

    [Fact]
    public async Task A_loopback_endpoint_is_not_asked_unless_private_networks_are_allowed()
    {
        var relay = await Made(OAuthGrant.ClientCredentials);

        Assert.NotNull((await Tokens(allowPrivate: false).Get(relay, ct)).Refusal);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("8.8.8.8", "127.0.0.1")]
    public async Task A_name_that_leads_to_a_private_address_as_well_is_not_asked(params string[] addresses)
    {
        await using var zone = DnsZone.Start();
        zone.Addresses("login.example.com", addresses);
        var resolver = new DnsResolver(new DnsOptions { Servers = [zone.EndPoint] }, TimeProvider.System);
        var relay = await Made(OAuthGrant.ClientCredentials, "https://login.example.com/token");

        Assert.Contains("no public address", (await Tokens(allowPrivate: false, resolver).Get(relay, ct)).Refusal, StringComparison.Ordinal);
    }

    private OAuthTokens<Relay> Tokens(bool allowPrivate = true, DnsResolver? resolver = null) =>
        new(relays, new TokenEndpoint(resolver ?? dns, new RoutingOptions { AllowPrivateNetworks = allowPrivate }, clock), clock, NullLogger<OAuthTokens<Relay>>.Instance);

    private async Task<Relay> Made(OAuthGrant grant, string? endpoint = null)
    {
        var relay = new Relay
        {
            Id = PrefixedId.New<RelayId>(),
            Tenant = null,
            Name = "relay",
            Host = "smtp.example.com",
            Port = 587,
            Tls = RelayTls.StartTls,
            Username = "shop",
            OAuth = new OAuthClient
            {
                Provider = OAuthProvider.Custom,
                Grant = grant,
                TokenEndpoint = endpoint ?? server.Url,
                ClientId = TokenServer.ClientId,
                ClientSecret = TokenServer.ClientSecret,
                RefreshToken = grant == OAuthGrant.RefreshToken ? server.RefreshToken : null,
                Scope = "mail.send",
            },
            Priority = 0,
            Weight = 1,
            Limits = new RelayLimits(),
            Enabled = true,
        };
        Assert.True(await relays.Create(relay, ct));
        return (await relays.Find(relay.Id, null, ofAnyone: true, ct))!;
    }
}
