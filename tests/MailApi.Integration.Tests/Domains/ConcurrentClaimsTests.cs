using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Domains;

/// <summary>What several processes decide about domains at once, where the database lets them write at the same time.</summary>
public sealed class ConcurrentClaimsTests(SharedServers servers)
{
    private static readonly DomainOptions Options = new() { ServiceHost = "service.example" };
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_tenants_that_prove_a_name_and_those_above_and_below_it_at_once_one_is_verified()
    {
        await using var dns = DnsZone.Start();
        using var db = await Open();
        var (registry, rows, _, verifier) = Parts(db, dns);
        var claims = new List<Domain>();
        foreach (var name in (string[])["shop.example", "mail.shop.example", "eu.mail.shop.example"])
        {
            var id = ((Registration.Done)await registry.Register(New(name, await AddTenant(db)), ct)).Id;
            claims.Add((await rows.Find(id, tenant: null, ct))!);
        }
        foreach (var record in claims.SelectMany(claim => DomainRecords.For(claim, Options)))
        {
            if (record.Type == "MX") dns.Mx(record.Name, 10, record.Value);
            if (record.Type == "TXT") dns.Txt(record.Name, record.Value);
        }

        await Task.WhenAll(claims.Concat(claims).Select(claim => verifier.Check(claim, asked: true, RecordCheck.Patience, ct)));

        Assert.Equal(["verified"], await db.Query("select state from domains where state <> 'pending'", row => row.GetString(0), ct));
        Assert.Single(await db.Query("select 1 from events where type = 'domain.verified'", _ => true, ct));
        Assert.All(await db.Query("select observed from domains", row => row.GetString(0), ct), Assert.NotNull);
    }

    [Fact]
    public async Task Rotations_at_once_make_one_key()
    {
        await using var dns = DnsZone.Start();
        using var db = await Open();
        var (registry, rows, rotation, _) = Parts(db, dns);
        var id = ((Registration.Done)await registry.Register(New("shop.example", await AddTenant(db)), ct)).Id;
        var domain = (await rows.Find(id, tenant: null, ct))!;

        var steps = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => rotation.Rotate(domain, KeyAlgorithm.Rsa, ct)));

        Assert.Single(steps.OfType<KeyStep.Done>());
        Assert.Equal(3, steps.OfType<KeyStep.Refused>().Count());
        Assert.Equal([KeyState.Active, KeyState.Pending], (await rows.Find(id, tenant: null, ct))!.Keys.Select(key => key.State));
    }

    [Fact]
    public async Task Names_that_look_alike_are_found()
    {
        await using var dns = DnsZone.Start();
        using var db = await Open();
        var (registry, _, _, _) = Parts(db, dns);
        await registry.Register(New("mail.paypal.example", await AddTenant(db)), ct);

        Assert.False(((Registration.Done)await registry.Register(New("paypal.example", await AddTenant(db)), ct)).LooksLikeAnother);
        Assert.True(((Registration.Done)await registry.Register(New("paypa1.example", await AddTenant(db)), ct)).LooksLikeAnother);
    }

    private static (DomainRegistry, DomainRows, DkimRotation, DomainVerifier) Parts(Db db, DnsZone dns)
    {
        var (time, vault) = (TimeProvider.System, new Vault(new byte[Vault.KeyBytes]));
        var options = new DnsOptions { Servers = [dns.EndPoint] };
        var resolver = new DnsResolver(options, time);
        var records = new RecordCheck(new AuthoritativeResolver(resolver, options, time), resolver, new Spf(resolver, time), new OrganizationalDomain(resolver), new DnssecValidator(resolver, options, time), Options, time);
        var sending = new SendingDomains(db, vault, time);
        return (new DomainRegistry(db, vault, sending, NullLogger<DomainRegistry>.Instance), new DomainRows(db), new DkimRotation(db, vault, sending, time),
            new DomainVerifier(db, records, sending, time, NullLogger<DomainVerifier>.Instance));
    }

    private async Task<Db> Open()
    {
        var server = await servers.PostgreSql;
        var options = new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = server.ConnectionString(await server.CreateDatabaseAsync(ct)) };
        Store.Migrate(options, "");
        return Store.Open(options, "", TimeProvider.System);
    }

    private async Task<TenantId> AddTenant(Db db)
    {
        var tenant = PrefixedId.New<TenantId>();
        await db.Execute("insert into tenants (id, name, ingress_per_second, ingress_burst, created_at) values (@id, 'a tenant', 200, 1000, now_ms())", ct, ("id", tenant.Value));
        return tenant;
    }

    private static NewDomain New(string name, TenantId tenant) => new(tenant, name, [Category.Notification], SendingRate.Default, Verification.Dns);
}
