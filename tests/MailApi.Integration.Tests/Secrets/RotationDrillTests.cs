using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Secrets;

/// <summary>S-29: the drill. The published program, killed while it seals every secret anew.</summary>
public sealed class RotationDrillTests(SharedServers servers)
{
    private const int Secrets = 3_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly CancellationToken Ct = CancellationToken.None;
    private readonly byte[] old = RandomNumberGenerator.GetBytes(Vault.KeyBytes);
    private readonly byte[] anew = RandomNumberGenerator.GetBytes(Vault.KeyBytes);

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Killed_again_and_again_it_loses_no_secret_and_ends_without_the_old_key(StoreProvider provider)
    {
        await using var hooks = await WebhookReceiver.StartAsync();
        var options = await Options(provider);
        await using var api = await MailApiProcess.StartAsync(Settings(options), Ct);
        var (tenant, live) = await NewTenant(api);
        var webhook = await Json(await live.PostAsJsonAsync("/webhooks", new { url = hooks.Url, events = new[] { "domain.failing" } }));
        await api.TerminateAsync(Patience);
        using var store = Store.Open(options, api.DataDirectory, TimeProvider.System);
        await Fill(store, tenant);

        api.Set("Secrets__KeyEncryptionKey", Convert.ToBase64String(anew));
        api.Set("Secrets__PreviousKeyEncryptionKeys__0", Convert.ToBase64String(old));
        // Where it stands is held by the store, so that each kill finds it half-way; the last one comes whenever it comes.
        var ids = await store.Query("select id from webhooks order by id", row => row.GetGuid(0), Ct);
        await Hold(store, options.Provider);
        var left = ids.Count;
        foreach (var third in new[] { 1, 2 })
        {
            await store.Write(async transaction =>
            {
                await transaction.Execute("delete from held", Ct);
                return await transaction.Execute("insert into held (id) values (@id)", Ct, ("id", ids[ids.Count * third / 3]));
            }, Ct);
            var start = api.StartAgainAsync(Ct);
            await Eventually.HoldsAsync(async () => await UnderOld(store) < left, Patience, "some secrets are sealed anew", Ct);
            await api.Kill9Async();
            await Ended(start);
            left = await UnderOld(store);
            Assert.InRange(left, 1, ids.Count - 1);
        }

        // Half-way the old key is still needed: a start without it is refused, and names the setting.
        api.Set("Secrets__PreviousKeyEncryptionKeys__0", null);
        await Assert.ThrowsAnyAsync<Exception>(() => api.StartAgainAsync(Ct));
        Assert.Contains("Secrets__PreviousKeyEncryptionKeys", api.Output, StringComparison.Ordinal);
        await api.Kill9Async();

        api.Set("Secrets__PreviousKeyEncryptionKeys__0", Convert.ToBase64String(old));
        await store.Execute("delete from held", Ct);
        var once = api.StartAgainAsync(Ct);
        await Eventually.HoldsAsync(async () => await UnderOld(store) < left, Patience, "it goes on", Ct);
        await api.Kill9Async();
        await Ended(once);
        await api.StartAgainAsync(Ct);
        JsonElement state = default;
        await Eventually.HoldsAsync(async () => (state = await Json(await api.Admin.GetAsync("/secrets", Ct))).GetProperty("finished").GetBoolean(), Patience, "the rotation is finished", Ct);
        Assert.Equal((0, 0), (state.GetProperty("underPreviousKeys").GetInt32(), state.GetProperty("unreadable").GetInt32()));
        Assert.Equal(0, await UnderOld(store));
        api.Set("Secrets__PreviousKeyEncryptionKeys__0", null);
        await api.RestartAsync(Ct);

        Assert.InRange((await Json(await api.Admin.GetAsync("/secrets", Ct))).GetProperty("underPresentKey").GetInt32(), Secrets + 2, int.MaxValue);
        await Signs(api, live, webhook, hooks);
        Assert.True((await Json(await api.Admin.GetAsync("/audit/verify", Ct))).GetProperty("intact").GetBoolean());
        Assert.Contains("RotateKeyEncryptionKey", await api.Admin.GetStringAsync("/audit", Ct), StringComparison.Ordinal);
    }

    /// <summary>A row whose id is in the table <c>held</c> cannot be changed: a pass comes so far and no further.</summary>
    private static async Task Hold(Db store, StoreProvider provider)
    {
        string[] statements = provider == StoreProvider.Sqlite
            ?
            [
                "create table held (id uuid)",
                "create trigger hold before update on webhooks when old.id in (select id from held) begin select raise(abort, 'held'); end",
            ]
            :
            [
                "create table held (id uuid)",
                "create function hold() returns trigger language plpgsql as $$ begin if exists (select 1 from held where id = old.id) then raise exception 'held'; end if; return new; end $$",
                "create trigger hold before update on webhooks for each row execute function hold()",
            ];
        foreach (var statement in statements) await store.Execute(statement, Ct);
    }

    /// <summary>A start that may have been killed before it was ready.</summary>
    private static async Task Ended(Task start)
    {
        try
        {
            await start;
        }
        catch (Exception e) when (e is InvalidOperationException or HttpRequestException)
        {
            Assert.DoesNotContain("TimeoutException", e.ToString(), StringComparison.Ordinal);
        }
    }

    /// <summary>With the secret that was shown before the rotation, and the domain's key.</summary>
    private static async Task Signs(MailApiProcess api, HttpClient live, JsonElement webhook, WebhookReceiver hooks)
    {
        await Json(await live.PostAsync($"/webhooks/{webhook.GetProperty("id").GetString()}/test", null, Ct));
        var received = await hooks.WaitFor(it => it.Type == "webhook.test", Patience);
        Assert.Null(received.SignatureError(webhook.GetProperty("secret").GetString()!));
        var domain = (await Json(await live.GetAsync("/domains", Ct))).GetProperty("items")[0].GetProperty("name").GetString();
        var key = await Json(await live.PostAsJsonAsync($"/tenants/{(await Json(await live.GetAsync("/audit", Ct))).GetProperty("items")[0].GetProperty("tenant").GetString()}/keys", new { mode = "test" }, Ct));
        using var test = api.WithKey(key.GetProperty("key").GetString()!);
        await Json(await test.PostAsJsonAsync("/send", new { from = $"a@{domain}", to = new[] { "ann@example.net" }, subject = "x", text = "x", category = "support" }, Ct));
        JsonElement sandbox = default;
        await Eventually.HoldsAsync(async () => (sandbox = (await Json(await live.GetAsync("/sandbox/messages", Ct))).GetProperty("items")).GetArrayLength() > 0, Patience, "the mail is in the sandbox", Ct);
        Assert.Contains("DKIM-Signature:", await live.GetStringAsync($"/sandbox/messages/{sandbox[0].GetProperty("id").GetString()}/raw", Ct), StringComparison.Ordinal);
    }

    private async Task<StoreOptions> Options(StoreProvider provider)
    {
        if (provider == StoreProvider.Sqlite) return new StoreOptions();
        var server = await servers.PostgreSql;
        return new StoreOptions { Provider = provider, ConnectionString = server.ConnectionString(await server.CreateDatabaseAsync(Ct)) };
    }

    private Dictionary<string, string> Settings(StoreOptions options)
    {
        var settings = new Dictionary<string, string> { ["Secrets__KeyEncryptionKey"] = Convert.ToBase64String(old), ["Webhooks__AllowPrivateNetworks"] = "true", ["Store__Provider"] = options.Provider.ToString() };
        if (options.ConnectionString is { } connection) settings["Store__ConnectionString"] = connection;
        return settings;
    }

    private static async Task<(TenantId Tenant, HttpClient Live)> NewTenant(MailApiProcess api)
    {
        var made = await Json(await api.Admin.PostAsJsonAsync("/tenants", new { name = "Shop" }, Ct));
        Assert.True(PrefixedId.TryParse<TenantId>(made.GetProperty("id").GetString(), out var tenant));
        await Json(await api.Admin.PostAsJsonAsync("/domains", new { tenant = tenant.ToString(), name = "mail.shop.example", verification = "manual", categories = new[] { "support" } }, Ct));
        return (tenant, api.WithKey(made.GetProperty("keys").EnumerateArray().Single(key => key.GetProperty("mode").GetString() == "live").GetProperty("key").GetString()!));
    }

    /// <summary>Webhooks that are sent nothing.</summary>
    private async Task Fill(Db store, TenantId tenant)
    {
        var vault = new Vault(old);
        foreach (var ids in Enumerable.Range(0, Secrets).Select(_ => Guid.CreateVersion7()).Chunk(1_000))
            await store.Write(async transaction =>
            {
                await transaction.Run([.. ids.Select(id => new Statement(
                    "insert into webhooks (id, tenant_id, url, events, enabled, secret, created_at) values (@id, @tenant, 'https://shop.example/', '[]', false, @secret, now_ms())",
                    ("id", id), ("tenant", tenant.Value), ("secret", vault.Seal(RandomNumberGenerator.GetBytes(32), "webhooks", id, "secret"))))], null, Ct);
                return 0;
            }, Ct);
    }

    /// <summary>Webhooks whose secret is sealed under the old key; each opens under one of the two.</summary>
    private async Task<int> UnderOld(Db store)
    {
        var vault = new Vault(anew, old);
        var rows = await store.Query("select id, secret from webhooks", row => (Id: row.GetGuid(0), Secret: row.Bytes(1)), Ct);
        return rows.Count(row => vault.Reseal(row.Secret, "webhooks", row.Id, "secret") is not null);
    }

    private static async Task<JsonElement> Json(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Ct);
        Assert.True(response.IsSuccessStatusCode, $"{response.RequestMessage?.RequestUri} → {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
