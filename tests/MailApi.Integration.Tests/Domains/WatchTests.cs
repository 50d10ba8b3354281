using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Domains;

/// <summary>Processes that look after the same domains.</summary>
public sealed class WatchTests(SharedServers servers)
{
    private const int Domains = 12;
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Two_watchers_look_at_each_due_domain_once(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var tenant = await domains.AddTenant();
        var due = new List<Domain>();
        for (var number = 0; number < Domains; number++)
        {
            var domain = await domains.Register(tenant, $"shop{number}.example");
            await domains.Publish(domain.Id);
            due.Add(domain);
        }
        var manual = await domains.Register(tenant, "manual.example", Verification.Manual);
        await domains.Db.Execute("update domains set next_check_at = 0", Ct);

        await Watched(domains, async () => (await domains.Events(tenant)).Count(it => it.Type == "domain.verified") == Domains + 1);

        Assert.All(due, domain => Assert.Equal(1, domains.Dns.Asked($"_mailapi.{domain.Name}", DnsType.Txt)));
        Assert.Equal(0, domains.Dns.Asked($"_mailapi.{manual.Name}", DnsType.Txt));
        Assert.Empty(await domains.Db.Query("select id from domains where verification = 'dns' and next_check_at <= now_ms()", row => row.GetGuid(0), Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_key_that_is_old_enough_is_followed_by_one_and_an_outlived_one_ends(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var tenant = await domains.AddTenant();
        var scheduled = await domains.Verified(tenant, "shop.example", rotateAfterDays: 30);
        var young = await domains.Verified(tenant, "young.example", rotateAfterDays: 30);
        var byHand = await domains.Verified(tenant, "by-hand.example");
        await domains.Age(scheduled.Id, "activated_at", TimeSpan.FromDays(31));
        await domains.Age(young.Id, "activated_at", TimeSpan.FromDays(29));
        await domains.Age(byHand.Id, "activated_at", TimeSpan.FromDays(3000));

        await Watched(domains, async () => (await domains.Keys(scheduled.Id)).Count > 1);
        Assert.Equal(["ma1 active", "ma2 pending"], await domains.Keys(scheduled.Id));
        Assert.Equal(["ma1 active"], await domains.Keys(young.Id));
        Assert.Equal(["ma1 active"], await domains.Keys(byHand.Id));

        // Its record appears, and the watch sees it without anybody's asking.
        await domains.Publish(scheduled.Id);
        await domains.Db.Execute("update domains set next_check_at = 0 where id = @id", Ct, ("id", scheduled.Id.Value));
        await Watched(domains, async () => (await domains.Keys(scheduled.Id)).Contains("ma2 active"));
        await domains.Age(scheduled.Id, "retired_at", TimeSpan.FromDays(15));
        await Watched(domains, async () => (await domains.Keys(scheduled.Id)).Contains("ma1 revoked"));
        Assert.Equal(["ma2"], await domains.Signing(scheduled.Id));
    }

    /// <summary>Lets two watchers work until this holds.</summary>
    private static async Task Watched(DomainsUnderTest domains, Func<Task<bool>> holds)
    {
        using var one = domains.Watch();
        using var two = domains.Watch();
        await Task.WhenAll(one.StartAsync(Ct), two.StartAsync(Ct));
        await Eventually.HoldsAsync(holds, Patience, "the watchers have done their work", Ct);
        await Task.WhenAll(one.StopAsync(Ct), two.StopAsync(Ct));
    }
}
