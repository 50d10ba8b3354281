using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Spool;

/// <summary>What is kept and for how long, a minute to either side of each limit; on both databases.</summary>
public sealed class RetentionTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TenantId Tenant = PrefixedId.New<TenantId>();

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_idempotency_key_is_remembered_for_7_days(StoreProvider provider)
    {
        using var store = await Create(provider);
        await AddKey(store.Db, "old", TimeSpan.FromDays(7) + Minute);
        await AddKey(store.Db, "young", TimeSpan.FromDays(7) - Minute);

        await Remove(store);

        Assert.Equal(["young"], await Texts(store, "select key from idempotency"));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task The_octets_of_a_message_go_30_days_after_its_lifetime_and_the_message_after_90(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        var whole = await Ended(spool, "whole", TimeSpan.FromDays(30) - Minute);
        var empty = await Ended(spool, "empty", TimeSpan.FromDays(30) + Minute);
        var last = await Ended(spool, "last", TimeSpan.FromDays(90) - Minute);
        var gone = await Ended(spool, "gone", TimeSpan.FromDays(90) + Minute);

        await Remove(store);

        Assert.Equal(["empty 0", "last 0", $"whole {whole.Content.Length}"], await Texts(store, "select subject || ' ' || cast(length(content) as text) from messages order by subject"));
        Assert.Equal((2, 2, 2, 0), (await Recipients(store, whole), await Recipients(store, empty), await Recipients(store, last), await Recipients(store, gone)));
        Assert.Equal(3, (await Texts(store, "select tag from message_tags")).Count);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Events_are_kept_for_90_days(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        var (old, young) = (await spool.Accept(Tenant), await spool.Accept(Tenant));
        await Age(store.Db, "update events set at = at - @age where message_id = @id", TimeSpan.FromDays(90) + Minute, old.Id.Value);
        await Age(store.Db, "update events set at = at - @age where message_id = @id", TimeSpan.FromDays(90) - Minute, young.Id.Value);

        await Remove(store);

        Assert.Equal([young.Id.Value], await store.Db.Query("select message_id from events", row => row.GetGuid(0), Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Deliveries_to_webhooks_are_kept_for_30_days_and_while_they_are_due(StoreProvider provider)
    {
        using var store = await Create(provider);
        var webhook = await AddWebhook(store);
        foreach (var state in (string[])["delivered", "failed", "pending"])
            foreach (var age in (TimeSpan[])[TimeSpan.FromDays(30) + Minute, TimeSpan.FromDays(30) - Minute])
                await Age(store.Db, $"""
                    insert into webhook_deliveries (webhook_id, event_id, tenant_id, state, due_at, last_error, created_at, updated_at)
                    values (@id, @event, @tenant, '{state}', 0, '{state} {(age > TimeSpan.FromDays(30) ? "old" : "young")}', now_ms() - @age, 0)
                    """, age, webhook, ("event", Guid.CreateVersion7(TimeProvider.System.GetUtcNow() - age)));

        await Remove(store);

        Assert.Equal(["delivered young", "failed young", "pending old", "pending young"], await Texts(store, "select last_error from webhook_deliveries order by last_error"));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Results_of_TLS_are_kept_for_30_days_and_a_policy_for_one_after_its_end(StoreProvider provider)
    {
        using var store = await Create(provider);
        foreach (var days in (int[])[29, 31])
            await store.Db.Execute("insert into tls_results (day, domain, policy_type, result_type, mx, sessions) values (now_ms() / 86400000 - @days, @domain, 'sts', 'success', '', 1)",
                Ct, ("days", (long)days), ("domain", $"{days}.example"));
        foreach (var (domain, age) in (IEnumerable<(string, TimeSpan)>)[("ended.example", TimeSpan.FromDays(1) + Minute), ("ending.example", TimeSpan.FromDays(1) - Minute)])
            await Age(store.Db, "insert into sts_policies (domain, id, policy, fetched_at, expires_at) values (@domain, '1', '', 0, now_ms() - @age)", age, Guid.Empty, ("domain", domain));

        await Remove(store);

        Assert.Equal(["29.example"], await Texts(store, "select domain from tls_results"));
        Assert.Equal(["ending.example"], await Texts(store, "select domain from sts_policies"));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_later_pass_finds_what_has_ended_since(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        using var retention = new Retention(store.Db, TimeProvider.System, NullLogger<Retention>.Instance);
        await Ended(spool, "long ago", TimeSpan.FromDays(40));
        await retention.Remove(Ct);
        await Ended(spool, "since", TimeSpan.FromDays(30) + Minute);
        await Ended(spool, "at once", TimeSpan.FromDays(30) + Minute);

        await retention.Remove(Ct);

        Assert.Equal(["at once", "long ago", "since"], await Texts(store, "select subject from messages where length(content) = 0 order by subject"));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Mail_that_is_held_back_stays_until_it_has_ended(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        var held = await Ended(spool, "held", TimeSpan.FromDays(91));
        await store.Db.Execute("update envelopes set state = 'queued' where id = @id", Ct, ("id", held.Envelopes[0].Id.Value));
        await Ended(spool, "ended", TimeSpan.FromDays(91));

        await Remove(store);

        Assert.Equal(["held"], await Texts(store, "select subject from messages"));
        Assert.Equal(2, await Recipients(store, held));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_message_goes_whole_however_many_its_recipients(StoreProvider provider)
    {
        using var store = await Create(provider);
        await using var spool = new SpoolUnderTest(store.Db);
        foreach (var recipients in (int[])[499, 2, 501, 1])
        {
            await Ended(spool, "many", TimeSpan.FromDays(91), recipients);
        }

        await Remove(store);

        Assert.Empty(await Texts(store, "select recipient from envelopes union all select subject from messages union all select tag from message_tags"));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task More_rows_go_than_a_batch_holds(StoreProvider provider)
    {
        using var store = await Create(provider);
        await AddKeys(store.Db, 1201, TimeSpan.FromDays(8));

        await Remove(store);

        Assert.Empty(await Texts(store, "select key from idempotency"));
    }

    [Fact]
    public async Task No_transaction_removes_more_than_500_rows()
    {
        using var store = await Create(StoreProvider.PostgreSql);
        await AddKeys(store.Db, 1201, TimeSpan.FromDays(8));
        await store.Db.Execute("create table removals (batch text not null)", Ct);
        await store.Db.Execute("create function note_removal() returns trigger language plpgsql as $$ begin insert into removals values (pg_current_xact_id()::text); return null; end $$", Ct);
        await store.Db.Execute("create trigger removed after delete on idempotency for each row execute function note_removal()", Ct);

        await Remove(store);

        Assert.Equal(["500", "500", "201"], await Texts(store, "select count(*)::text from removals group by batch order by count(*) desc"));
    }

    private async Task<StoreUnderTest> Create(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return store;
    }

    private static async Task Remove(StoreUnderTest store)
    {
        using var retention = new Retention(store.Db, TimeProvider.System, NullLogger<Retention>.Instance);
        await retention.Remove(Ct);
    }

    private static Statement Key(string key, TimeSpan age) => new(
        "insert into idempotency (tenant_id, key, body_hash, message_id, response, created_at) values (@tenant, @key, @hash, @message, '', now_ms() - @age)",
        ("tenant", Tenant.Value), ("key", key), ("hash", new byte[32]), ("message", Guid.CreateVersion7()), ("age", (long)age.TotalMilliseconds));

    private static Task<int> AddKey(Db db, string key, TimeSpan age) => db.Execute(Key(key, age).Sql, Ct, Key(key, age).Args);

    private static Task<int> AddKeys(Db db, int count, TimeSpan age) => db.Write(async transaction =>
    {
        await transaction.Run([.. Enumerable.Range(0, count).Select(index => Key($"k{index}", age))], null, Ct);
        return 0;
    }, Ct);

    private static async Task<Guid> AddWebhook(StoreUnderTest store)
    {
        var (tenant, webhook) = (await store.AddTenant(), Guid.CreateVersion7());
        await store.Db.Execute("insert into webhooks (id, tenant_id, url, events, enabled, secret, created_at) values (@id, @tenant, '', '[]', true, @secret, 0)",
            Ct, ("id", webhook), ("tenant", tenant.Value), ("secret", Array.Empty<byte>()));
        return webhook;
    }

    /// <summary>A delivered message whose lifetime ended so long ago.</summary>
    private static async Task<Acceptance> Ended(SpoolUnderTest spool, string subject, TimeSpan ago, int recipients = 2)
    {
        var message = await spool.Accept(Tenant, recipients: recipients);
        await Age(spool.Db, "update messages set expires_at = now_ms() - @age, subject = @subject where id = @id", ago, message.Id.Value, ("subject", subject));
        await spool.Db.Execute("update envelopes set state = 'delivered' where message_id = @id", Ct, ("id", message.Id.Value));
        return message;
    }

    private static async Task<int> Recipients(StoreUnderTest store, Acceptance message) =>
        (await store.Db.Query("select id from envelopes where message_id = @id", row => row.GetGuid(0), Ct, ("id", message.Id.Value))).Count;

    private static Task<int> Age(Db db, string sql, TimeSpan age, Guid id, params (string, object?)[] more) =>
        db.Execute(sql, Ct, [("age", (long)age.TotalMilliseconds), ("id", id), ("tenant", Tenant.Value), .. more]);

    private static Task<List<string>> Texts(StoreUnderTest store, string sql) => store.Db.Query(sql, row => row.GetString(0), Ct);
}
