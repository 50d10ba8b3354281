using MailApi.Api;
using MailApi.Domains;
using MailApi.Events;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Integration.Tests.Spool;
using MailApi.Mail.Bounces;
using MailApi.Mail.Mailboxes;
using MailApi.Mail.Routing;
using MailApi.Mailboxes;
using MailApi.OAuth;
using MailApi.Receiving;
using MailApi.Reports;
using MailApi.Sending;
using MailApi.Spool;
using MailApi.Suppressions;
using MailApi.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Mailboxes;

/// <summary>The parts that read mailboxes, over one store and a real Dovecot.</summary>
internal sealed class MailboxesUnderTest : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly CancellationToken Ct = CancellationToken.None;
    private readonly StoreUnderTest store;
    private readonly DnsZone dns = DnsZone.Start();
    private readonly Verp verp = new(new byte[32]);
    private readonly UnsubscribeToken tokens = new(new byte[32]);

    private MailboxesUnderTest(StoreUnderTest store, DovecotServer server)
    {
        (this.store, Server) = (store, server);
        dns.A(DovecotServer.Host, "127.0.0.1");
        Spool = new SpoolUnderTest(store.Db);
        Store = new MailboxStore(store.Db, store.Vault);
    }

    public DovecotServer Server { get; }
    public SpoolUnderTest Spool { get; }
    public MailboxStore Store { get; }

    public static async Task<MailboxesUnderTest> Create(StoreProvider provider, SharedServers servers, TokenServer? tokens = null)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return new MailboxesUnderTest(store, await DovecotServer.StartAsync(tokens, imapCapabilities: null, Ct));
    }

    /// <summary>A tenant with a domain that is proven.</summary>
    public async Task<Domain> AddDomain(string name)
    {
        var registry = new DomainRegistry(store.Db, store.Vault, new SendingDomains(store.Db, store.Vault, TimeProvider.System), NullLogger<DomainRegistry>.Instance);
        var registration = await registry.Register(DomainsUnderTest.New(await store.AddTenant(), name, Verification.Manual), Ct);
        return (await new DomainRows(store.Db).Find(Assert.IsType<Registration.Done>(registration).Id, tenant: null, Ct))!;
    }

    /// <summary>Names the mailbox of a domain, as <c>PUT</c> does.</summary>
    public async Task<Mailbox> Name(Domain domain, MailboxProtocol protocol, AfterTaking after, string password = DovecotServer.Password, OAuthClient? oauth = null)
    {
        await Store.Put(new Mailbox
        {
            Domain = domain.Id,
            Tenant = domain.Tenant,
            Protocol = protocol,
            Host = DovecotServer.Host,
            Port = protocol == MailboxProtocol.Imap ? Server.Imaps : Server.Pop3s,
            Tls = MailboxTls.Implicit,
            Auth = oauth is null ? MailboxAuth.Password : MailboxAuth.Xoauth2,
            Username = DovecotServer.User,
            Password = oauth is null ? password : null,
            OAuth = oauth,
            Folder = "INBOX",
            After = after,
            MoveTo = "Processed",
        }, Ct);
        return await Find(domain);
    }

    public async Task<Mailbox> Find(Domain domain) => (await Store.Find(domain.Id, domain.Tenant, Ct))!;

    /// <summary>A process that reads mailboxes, running.</summary>
    public async Task<Process> Start(TimeProvider? clock = null)
    {
        var time = clock ?? TimeProvider.System;
        var sending = new SendingDomains(store.Db, store.Vault, time);
        var topics = new Topics(store.Db);
        var links = new UnsubscribeLinks(store.Db, tokens, topics, new PreferenceStore(store.Db, topics, () => { }), () => { });
        var addressees = new Addressees(sending, links, verp, time);
        var leases = new MailboxLeases(store.Db);
        var router = new MxRouter(new DnsResolver(new DnsOptions { Servers = [dns.EndPoint], AllowPrivateNetworks = true }, time), new RoutingOptions { AllowPrivateNetworks = true }, Random.Shared);
        var endpoint = new TokenEndpoint(new DnsResolver(new DnsOptions { Servers = [dns.EndPoint], AllowPrivateNetworks = true }, time), new RoutingOptions { AllowPrivateNetworks = true }, time);
        var access = new MailboxAccess(router, new OAuthTokens<Mailbox>(Store, endpoint, time, NullLogger<OAuthTokens<Mailbox>>.Instance), time) { TrustedRoots = [Server.Certificate] };
        var reports = new ReportIntake(store.Db, new DomainRows(store.Db));
        var intake = new Intake(Spool.Returns, addressees, tokens, links, new FeedbackLoops(new byte[32], new ReportAddresses(ByMail: true, Token: null)), reports, time);
        var reader = new MailboxReader(Store, access, leases, new HeaderAddressee(addressees), intake, time, NullLogger<MailboxReader>.Instance);
        var process = new Process(new MailboxWatch(leases, reader, time, NullLogger<MailboxWatch>.Instance), reader, endpoint, reports);
        await process.Watch.StartAsync(Ct);
        return process;
    }

    /// <summary>A message of a domain's, delivered, and the bounce that came back for it.</summary>
    public async Task<(Acceptance Message, byte[] Bounce)> Delivered(Domain domain)
    {
        var message = SpoolUnderTest.NewAcceptance(domain.Tenant) with { DomainId = domain.Id, Domain = domain.Name };
        Assert.IsType<AcceptResult.Committed>(await Spool.Acceptor.Accept(message));
        Assert.True(await Spool.Records.Record((await Spool.Claim(message))!, new Outcome.Delivered(new EventReply(250, "2.0.0", "OK", "mx.example.net"))));
        return (message, Answers.Bounce(ReturnPath(message), message.Envelopes[0].Recipient, $"<{message.Id.Value:N}@{domain.Name}>"));
    }

    public string ReturnPath(Acceptance message) => $"{verp.Tag(message.Envelopes[0].Id.Value, DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime))}@bounces.{message.Domain}";

    /// <summary>The address beside the unsubscribe link.</summary>
    public string UnsubscribeAddress(Acceptance message) => $"{tokens.Mailbox(message.Envelopes[0].Id)}@bounces.{message.Domain}";

    public async Task<EnvelopeState> StateOf(Acceptance message) => (await Spool.Recipient(message)).State;

    public Task Until(Func<Task<bool>> holds, string expectation) => Eventually.HoldsAsync(holds, Patience, $"{expectation}\n{Server.Log}", Ct);

    public Task<int> Remembered(Domain domain) => Count("mailbox_messages", domain);

    public Task<int> Reports(Domain domain) => Count("reports", domain);

    public async ValueTask DisposeAsync()
    {
        await Spool.DisposeAsync();
        await Server.DisposeAsync();
        await dns.DisposeAsync();
        store.Dispose();
    }

    private async Task<int> Count(string table, Domain domain) =>
        (await store.Db.Query($"select count(*) from {table} where domain_id = @id", row => row.GetInt32(0), Ct, ("id", domain.Id.Value)))[0];

    internal sealed record Process(MailboxWatch Watch, MailboxReader Reader, TokenEndpoint Endpoint, ReportIntake Reports) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Watch.StopAsync(Ct);
            Watch.Dispose();
            Reader.Dispose();
            Endpoint.Dispose();
            Reports.Dispose();
        }
    }
}
