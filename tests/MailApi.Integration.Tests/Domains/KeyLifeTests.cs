using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Dkim;
using MailApi.Storage;

namespace MailApi.Integration.Tests.Domains;

/// <summary>The life of signing keys: pending, active, retiring, revoked.</summary>
public sealed class KeyLifeTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_key_signs_once_its_record_is_seen_and_stays_published_until_its_signatures_are_void(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), "shop.example");
        Assert.Equal(new KeyStep.Done("ma2"), await domains.Rotation.Rotate(domain, KeyAlgorithm.Rsa, Ct));
        await domains.Check(domain.Id);
        Assert.Equal(["ma1 active", "ma2 pending"], await domains.Keys(domain.Id));
        Assert.Equal(["ma1"], await domains.Signing(domain.Id));

        await domains.Publish(domain.Id);
        await domains.Check(domain.Id);
        Assert.Equal(["ma1 retiring", "ma2 active"], await domains.Keys(domain.Id));
        Assert.Equal(["ma2"], await domains.Signing(domain.Id));
        Assert.NotEqual(0, (await PrivateOctets(domains, domain.Id))["ma1"]);

        await domains.Age(domain.Id, "retired_at", DkimRotation.Retiring - Day);
        await domains.Rotation.EndOld(Ct);
        Assert.Equal(["ma1 retiring", "ma2 active"], await domains.Keys(domain.Id));
        await domains.Age(domain.Id, "retired_at", 2 * Day);
        await domains.Rotation.EndOld(Ct);
        Assert.Equal(["ma1 revoked", "ma2 active"], await domains.Keys(domain.Id));
        Assert.Equal(0, (await PrivateOctets(domains, domain.Id))["ma1"]);
        Assert.Equal(SigningKey.RevokedRecord, DomainRecords.For(await domains.Find(domain.Id), new DomainOptions()).Single(record => record.Key == KeyState.Revoked).Value);

        await domains.Age(domain.Id, "revoked_at", DkimRotation.Revoked + Day);
        await domains.Rotation.EndOld(Ct);
        Assert.Equal(["ma2 active"], await domains.Keys(domain.Id));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_revoked_keys_selector_rests_for_a_day_and_is_used_again(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), "shop.example");
        Assert.IsType<KeyStep.Refused>(await domains.Rotation.Revoke(domain, "ma1", Ct));
        await domains.Rotation.Rotate(domain, KeyAlgorithm.Rsa, Ct);
        await domains.Publish(domain.Id);
        domain = await domains.Check(domain.Id);

        Assert.Equal(new KeyStep.Done("ma1"), await domains.Rotation.Revoke(domain, "ma1", Ct));
        Assert.Equal(0, (await PrivateOctets(domains, domain.Id))["ma1"]);
        domain = await domains.Find(domain.Id);
        Assert.IsType<KeyStep.Refused>(await domains.Rotation.Revoke(domain, "ma1", Ct));
        Assert.Equal(new KeyStep.Done("ma3"), await domains.Rotation.Rotate(domain, KeyAlgorithm.Rsa, Ct));
        Assert.Equal(new KeyStep.Done("ma3"), await domains.Rotation.Revoke(await domains.Find(domain.Id), "ma3", Ct));

        await domains.Age(domain.Id, "revoked_at", 1.1 * Day);
        Assert.Equal(new KeyStep.Done("ma1"), await domains.Rotation.Rotate(await domains.Find(domain.Id), KeyAlgorithm.Rsa, Ct));
        Assert.Equal(["ma1 pending", "ma2 active", "ma3 revoked"], (await domains.Keys(domain.Id)).Order());
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Rotations_at_once_make_one_key(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), "shop.example");

        var steps = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => domains.Rotation.Rotate(domain, KeyAlgorithm.Rsa, Ct)));

        Assert.Equal((1, 3), (steps.OfType<KeyStep.Done>().Count(), steps.OfType<KeyStep.Refused>().Count()));
        Assert.Equal(["ma1 active", "ma2 pending"], await domains.Keys(domain.Id));
        Assert.IsType<KeyStep.Refused>(await domains.Rotation.Rotate(await domains.Find(domain.Id), KeyAlgorithm.Rsa, Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_imported_key_follows_like_a_new_one(StoreProvider provider)
    {
        await using var domains = await DomainsUnderTest.Create(provider, servers);
        var domain = await domains.Verified(await domains.AddTenant(), "shop.example");
        using var key = await DkimKeys.Generate(KeyAlgorithm.Rsa, TestContext.Current.CancellationToken);

        Assert.IsType<KeyStep.Refused>(await domains.Rotation.Import(domain, "ma1", key, Ct));
        Assert.Equal(new KeyStep.Done("old-one"), await domains.Rotation.Import(domain, "old-one", key, Ct));
        await domains.Publish(domain.Id);
        await domains.Check(domain.Id);

        Assert.Equal(["old-one"], await domains.Signing(domain.Id));
        Assert.Equal(key.ExportPublic(), (await domains.Find(domain.Id)).Keys.Single(it => it.Selector == "old-one").Public);
    }

    private static async Task<Dictionary<string, int>> PrivateOctets(DomainsUnderTest domains, DomainId id) => (await domains.Db.Query(
        "select selector, private_key from dkim_keys where domain_id = @id", row => (Selector: row.GetString(0), row.Bytes(1).Length), Ct, ("id", id.Value)))
        .ToDictionary(row => row.Selector, row => row.Length);
}
