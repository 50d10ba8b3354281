using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Domains;

/// <summary>The parts that look after domains, over one store, and the name server that they ask.</summary>
internal sealed class DomainsUnderTest : IAsyncDisposable
{
    private static readonly CancellationToken Ct = CancellationToken.None;
    private readonly StoreUnderTest store;
    private readonly DomainOptions options = new() { ServiceHost = "service.example" };

    private DomainsUnderTest(StoreUnderTest store)
    {
        this.store = store;
        Sending = new SendingDomains(Db, store.Vault, TimeProvider.System);
        Registry = new DomainRegistry(Db, store.Vault, Sending, NullLogger<DomainRegistry>.Instance);
        Rows = new DomainRows(Db);
        Rotation = new DkimRotation(Db, store.Vault, Sending, TimeProvider.System);
        Dns.Txt("spf.service.example", "v=spf1 ip4:192.0.2.25 -all");
    }

    public Db Db => store.Db;
    public DnsZone Dns { get; } = DnsZone.Start();
    public SendingDomains Sending { get; }
    public DomainRegistry Registry { get; }
    public DomainRows Rows { get; }
    public DkimRotation Rotation { get; }

    public static async Task<DomainsUnderTest> Create(StoreProvider provider, SharedServers servers)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return new DomainsUnderTest(store);
    }

    public Task<TenantId> AddTenant() => store.AddTenant();

    public async Task<Domain> Register(TenantId tenant, string name, Verification verification = Verification.Dns, int? rotateAfterDays = null)
    {
        var registration = await Registry.Register(New(tenant, name, verification) with { RotateAfterDays = rotateAfterDays }, Ct);
        return await Find(Assert.IsType<Registration.Done>(registration).Id);
    }

    public static NewDomain New(TenantId tenant, string name, Verification verification = Verification.Dns) =>
        new(tenant, name, [Category.Notification], SendingRate.Default, verification) { Key = (AnyKey.Selector, SigningKey.Import(AnyKey.Pkcs8)) };

    public async Task<Domain> Find(DomainId id) => (await Rows.Find(id, tenant: null, Ct))!;

    /// <summary>Puts the records of a domain as it is now in the place of whatever stands at their names.</summary>
    public async Task Publish(DomainId id)
    {
        foreach (var name in DomainRecords.For(await Find(id), options).GroupBy(record => record.Name))
            Dns.Remove(name.Key).Add(name.Key, [.. name.Select(Record)]);
    }

    /// <summary>Asked for, or in the background; by a process that has nothing in its cache unless one is named.</summary>
    public async Task<Domain> Check(DomainId id, bool asked = true, DomainVerifier? verifier = null)
    {
        await (verifier ?? Verifier()).Check(await Find(id), asked, RecordCheck.Patience, Ct);
        return await Find(id);
    }

    public async Task<Domain> Verified(TenantId tenant, string name, int? rotateAfterDays = null)
    {
        var domain = await Register(tenant, name, rotateAfterDays: rotateAfterDays);
        await Publish(domain.Id);
        domain = await Check(domain.Id);
        Assert.Equal(DomainState.Verified, domain.State);
        return domain;
    }

    /// <summary>Another process that looks after domains.</summary>
    public DomainWatch Watch() => new(Db, Rows, Verifier(), Rotation, TimeProvider.System, NullLogger<DomainWatch>.Instance);

    public DomainVerifier Verifier()
    {
        var asking = new DnsOptions { Servers = [Dns.EndPoint], AllowPrivateNetworks = true, AuthorityPort = Dns.EndPoint.Port };
        var (dns, time) = (new DnsResolver(asking, TimeProvider.System), TimeProvider.System);
        var records = new RecordCheck(new AuthoritativeResolver(dns, asking, time), dns, new Spf(dns, time), new OrganizationalDomain(dns), new DnssecValidator(dns, asking, time), options, time);
        return new DomainVerifier(Db, records, Sending, time, NullLogger<DomainVerifier>.Instance);
    }

    /// <summary>The selectors that sign now.</summary>
    public async Task<IReadOnlyList<string>> Signing(DomainId id)
    {
        var fields = (await Sending.Identity(id, Ct))!.Signers.Select(signer => signer.Sign("From: a@shop.example\r\n\r\nx\r\n"u8.ToArray()));
        return [.. fields.Select(field => System.Text.Encoding.ASCII.GetString(field).Split("s=")[1].Split(';')[0])];
    }

    /// <summary>The tenant's events about domains in order: type, and reason where there is one.</summary>
    public async Task<IReadOnlyList<(string Type, string? Reason)>> Events(TenantId tenant) => await Db.Query(
        "select type, data from events where tenant_id = @tenant order by position",
        row => (row.GetString(0), System.Text.Json.JsonDocument.Parse(row.GetString(1)).RootElement.TryGetProperty("reason", out var reason) ? reason.GetString() : null), Ct, ("tenant", tenant.Value));

    /// <summary>Selectors and states, oldest first.</summary>
    public async Task<IReadOnlyList<string>> Keys(DomainId id) => [.. (await Find(id)).Keys.Select(key => $"{key.Selector} {key.State.ToText()}")];

    /// <summary>Makes an instant of a domain's keys so much older, as time would.</summary>
    public Task Age(DomainId id, string column, TimeSpan by) =>
        Db.Execute($"update dkim_keys set {column} = {column} - @by where domain_id = @id", Ct, ("by", (long)by.TotalMilliseconds), ("id", id.Value));

    public async ValueTask DisposeAsync()
    {
        store.Dispose();
        await Dns.DisposeAsync();
    }

    private static DnsRecord Record(DomainRecord record) => record.Type switch
    {
        "TXT" => DnsRecord.Txt(record.Value),
        "MX" => DnsRecord.Mx((ushort)record.Priority!.Value, record.Value),
        _ => DnsRecord.Cname(record.Value),
    };
}
