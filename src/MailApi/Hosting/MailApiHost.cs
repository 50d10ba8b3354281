using System.Collections.Frozen;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Audit;
using MailApi.Delivery;
using MailApi.Delivery.Categories;
using MailApi.Delivery.Egress;
using MailApi.Delivery.Relays;
using MailApi.Delivery.Tls;
using MailApi.Diagnosis;
using MailApi.Domains;
using MailApi.Events;
using MailApi.Limits;
using MailApi.Mail.Authentication;
using MailApi.Mail.Bounces;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Preflight;
using MailApi.Mail.Routing;
using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using MailApi.Mail.Tls;
using MailApi.Mailboxes;
using MailApi.Receiving;
using MailApi.Reports;
using MailApi.Sandbox;
using MailApi.Sending;
using MailApi.Spool;
using MailApi.Statistics;
using MailApi.Storage;
using MailApi.Suppressions;
using MailApi.Tenants;
using MailApi.Webhooks;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailApi.Hosting;

/// <summary>Puts the process together: every choice between embedded and distributed is made in this folder and nowhere else.</summary>
public static class MailApiHost
{
    /// <summary>Makes the host. Files, databases and sockets are touched only once it starts.</summary>
    /// <exception cref="SettingsException">The configuration cannot be started with.</exception>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        var settings = ApiReference.IsBeingWritten ? new Settings() : Settings.From(builder.Configuration);
        var listeners = new Listeners(settings);
        builder.WebHost.ConfigureKestrel(listeners.Configure);
        builder.Services.AddSingleton(listeners);
        builder.Services.AddSingleton(settings);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.Delivery.StopPatience + TimeSpan.FromSeconds(10));

        AddWebBasics(builder.Services);
        AddStore(builder.Services, settings);
        builder.AddTelemetry();
        AddSlices(builder.Services, settings);
        if (ApiReference.IsBeingWritten) builder.Services.RemoveAll<IHostedService>();

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(listeners.Started);
        Map(app);
        return app;
    }

    private static void AddWebBasics(IServiceCollection services)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddProblemDetails();
        services.AddExceptionHandler<ProblemExceptions>();
        services.AddOpenApi("v1", ApiReference.Configure).AddSingleton<ReferenceDocument>();
        services.Configure<RouteOptions>(routes => routes.ConstraintMap[IdRouteConstraint.Name] = typeof(IdRouteConstraint));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(json =>
        {
            var options = json.SerializerOptions;
            options.MaxDepth = 16;
            options.AllowDuplicateProperties = false;
            options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            options.NumberHandling = JsonNumberHandling.Strict;
            options.PropertyNameCaseInsensitive = false;
            options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            // Enumerations of the mail library, which knows no API: a converter named by a context does not hold in a chain of contexts.
            options.Converters.Add(new LowerCaseEnumConverter<CheckResult>());
            options.Converters.Add(new LowerCaseEnumConverter<CheckGroup>());
            options.Converters.Add(new LowerCaseEnumConverter<BlocklistState>());
            JsonSerializerContext[] slices =
                [SendJson.Default, EventJson.Default, QueueJson.Default, SiteJson.Default, EgressJson.Default, TlsJson.Default, TenantJson.Default, DomainJson.Default, RelayJson.Default, DiagnosisJson.Default,
                    SuppressionJson.Default, StatisticsJson.Default, ReceiveJson.Default, MailboxJson.Default, WebhookJson.Default, SandboxJson.Default, ReportJson.Default, AuditJson.Default, SecretJson.Default];
            for (var index = 0; index < slices.Length; index++) options.TypeInfoResolverChain.Insert(index, slices[index]);
        });
    }

    private static void AddStore(IServiceCollection services, Settings settings)
    {
        services.AddSingleton(new LocalFiles(settings.DataDirectory));
        services.AddSingleton(provider => Store.Open(settings.Store, provider.GetRequiredService<LocalFiles>().Directory, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new Vault(
            provider.GetRequiredService<LocalFiles>().KeyEncryptionKey(settings.Secrets.KeyEncryptionKey), [.. settings.Secrets.PreviousKeyEncryptionKeys.Select(Convert.FromBase64String)]));
        services.AddSingleton<SealedSettings>().AddSingleton<Resealing>();
        services.AddHostedService<StoreStart>();
        if (settings.Roles.HasFlag(Roles.Deliver)) services.AddHostedService<StoreMark>();
        if (settings.Roles.HasFlag(Roles.Api)) services.AddHostedService(provider => provider.GetRequiredService<Resealing>());
        services.AddHostedService<Quickstart>();
    }

    private static void AddSlices(IServiceCollection services, Settings settings)
    {
        services.AddSingleton(settings.Admin).AddSingleton(settings.Webhooks);
        services.AddSingleton(provider => new DomainOptions(settings.Domains, new ReportAddresses(settings.Receive.Smtp is not null, provider.GetRequiredService<ReportToken>().Create)));
        services.AddAudit().AddTenants().AddDomains().AddSuppressions(receivesMail: settings.Receive.Smtp is not null).AddSending().AddIntake().AddMailboxes().AddDiagnosis().AddRelays().AddReports();
        if (settings.Roles.HasFlag(Roles.Api)) services.AddHostedService<DomainWatch>();
        if (settings.Roles.HasFlag(Roles.Receive)) services.AddHostedService<MailboxWatch>();
        AddSpool(services, settings);
        services.AddBus(settings);
        if (settings.Roles.HasFlag(Roles.Deliver)) AddDelivery(services, settings);
        if (settings.Roles.HasFlag(Roles.Webhook)) services.AddWebhookPump();
        services.AddWebhooks();
        if (settings.Roles.HasFlag(Roles.Receive)) AddReceiving(services, settings);
        services.AddStatistics(counts: settings.Roles.HasFlag(Roles.Api));
        AddIdentity(services, settings);
        services.AddSingleton<Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>>>(provider => async (host, ct) =>
            await provider.GetRequiredService<DnsResolver>().Addresses(host, ct) is DnsAnswer<IPAddress>.Found found ? found.Values : []);
    }

    private static void AddReceiving(IServiceCollection services, Settings settings)
    {
        services.AddReceiving(settings.Receive);
        services.AddSingleton(provider => new ListenerCertificate(
            settings.Receive, provider.GetRequiredService<LocalFiles>(), provider.GetRequiredService<SmtpClientOptions>().HeloName, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ListenerCertificate>>()));
        services.AddSingleton<ListenerTls>(provider => provider.GetRequiredService<ListenerCertificate>().Tls).AddHostedService(provider => provider.GetRequiredService<ListenerCertificate>());
    }

    /// <summary>What is known of names and senders, and how mail is signed: on the paths of delivery, verification and diagnosis alike.</summary>
    private static void AddIdentity(IServiceCollection services, Settings settings)
    {
        var delivery = settings.Delivery;
        services.AddSingleton(settings.Dns.Options(delivery.AllowPrivateNetworks));
        services.AddSingleton<DnsResolver>().AddSingleton<AuthoritativeResolver>().AddSingleton<DnssecValidator>().AddSingleton<OrganizationalDomain>().AddSingleton<Spf>();
        services.AddSingleton(provider => new Authenticator(provider.GetRequiredService<DnsResolver>(), provider.GetRequiredService<Spf>().Check, provider.GetRequiredService<TimeProvider>()));
        var (pools, unpooled) = (new EgressPools(delivery.Pools), new EgressSource(delivery.Egress, delivery.HeloName ?? Dns.GetHostName()));
        services.AddSingleton(pools).AddSingleton<SentToday>();
        services.AddSingleton<EgressSourceOf>((tenant, domain, categories) => pools.Seen(tenant, domain, categories) ?? unpooled);
        services.AddSingleton<RelayHostOf>(provider => async (tenant, domain, category, ct) =>
            RelayChoice.InOrder(await provider.GetRequiredService<RelayDirectory>().For(tenant, ct), domain, category, Random.Shared) is [var first, ..] ? first.Host : delivery.Relay.Options?.Host);
        services.AddSingleton(new BlocklistOptions { AddressLists = settings.Diagnosis.AddressBlocklists, DomainLists = settings.Diagnosis.DomainBlocklists }).AddSingleton<Blocklists>();
        services.AddSingleton(new SpamdOptions { EndPoint = settings.Diagnosis.SpamdEndPoint }).AddSingleton<Spamd>();
        services.AddSingleton(new RoutingOptions { MxPort = delivery.MxPort, AllowPrivateNetworks = delivery.AllowPrivateNetworks });
        services.AddSingleton<SecureLookups>().AddSingleton(provider => Router(provider, provider.GetRequiredService<DnsResolver>(), provider.GetRequiredService<SecureLookups>()));
        services.AddKeyedSingleton<DnsResolver>(Routes.LookUps);
        services.AddKeyedSingleton(Routes.LookUps, (provider, key) => new SecureLookups(
            new DnssecValidator(provider.GetRequiredKeyedService<DnsResolver>(key), provider.GetRequiredService<DnsOptions>(), provider.GetRequiredService<TimeProvider>()), provider.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton(Routes.LookUps, (provider, key) => Router(provider, provider.GetRequiredKeyedService<DnsResolver>(key), provider.GetRequiredKeyedService<SecureLookups>(key)));
        services.AddSingleton(provider => new Dane(provider.GetRequiredKeyedService<SecureLookups>(Routes.LookUps))).AddReceiverTls(delivery.Tls);
        services.AddSingleton(new SmtpClientOptions { HeloName = delivery.HeloName ?? Dns.GetHostName() });
        services.AddSingleton(provider => new Verp(provider.GetRequiredService<Vault>().Derived(SandboxConnectionHandler.ReturnPathPurpose))).AddSingleton<MailSigner>();

        MxRouter Router(IServiceProvider provider, DnsResolver dns, SecureLookups secure) =>
            new(dns, provider.GetRequiredService<RoutingOptions>(), Random.Shared, delivery.Tls.Dane ? secure : null);
    }

    private static void AddSpool(IServiceCollection services, Settings settings)
    {
        services.AddSingleton(new SpoolOptions { Lease = settings.Delivery.Lease, BusIsInProcess = settings.Bus.Transport == BusTransport.InMemory, Delivers = settings.Roles.HasFlag(Roles.Deliver), Migration = Migrator.Newest });
        services.AddSingleton(new RecentMessages(settings.Roles.HasFlag(Roles.Deliver) ? RecentMessages.BytesMaxDefault : 0));
        services.AddSingleton<Window>().AddSingleton<Suspensions>().AddSingleton<Acceptor>().AddSingleton<Messages>().AddSingleton<Returns>().AddSingleton<HeldMail>().AddSingleton<Flushes>().AddSingleton<Restoration>();
        services.AddSingleton<Lifetimes>(provider => category => provider.GetRequiredService<FrozenDictionary<Category, CategoryRules>>()[category].Lifetime);
        services.AddSingleton(new[] { MarketingConsumer.Defaults, NotificationConsumer.Defaults, SupportConsumer.Defaults }
            .Select(rules => rules.With(settings.Categories.Of(rules.Category))).ToFrozenDictionary(rules => rules.Category));
        services.AddSingleton<EventsAppended>(provider => provider.GetRequiredService<WebhookSignal>().Signal);
        services.AddSingleton<SuppressBounced>(Bounces.Suppress).AddSingleton<SuppressComplained>(Bounces.SuppressComplained);
        services.AddSingleton<HasTopic>(provider => provider.GetRequiredService<Topics>().Has);
        services.AddSingleton<Ringer>().AddHostedService(provider => provider.GetRequiredService<Ringer>());
        services.AddSingleton<Node>();
        // A process that does not deliver still sweeps: it may be the one that outlives the ring after an accept.
        services.AddHostedService(provider => provider.GetRequiredService<Node>()).AddHostedService<Sweeper>().AddHostedService<Retention>();
    }

    private static void AddDelivery(IServiceCollection services, Settings settings)
    {
        services.AddSingleton<Stopping>().AddSingleton<Claims>().AddSingleton<Records>().AddSingleton<Deliverer>();
        services.AddSingleton<SuppressionsOf>(claim => SuppressionList.Entries(claim.Tenant, claim.Recipient, claim.Category, claim.Topic));
        if (settings.Limits.Backend == LimitsBackend.Redis) services.AddSingleton(settings.Limits).AddRedisLimits();
        else services.AddLocalLimits();
        services.AddSingleton<SandboxConnectionHandler>();
        services.AddSingleton<SandboxAddress>(provider => provider.GetRequiredService<Listeners>().Sandbox);
        AddSmtp(services, settings.Delivery);
    }

    private static void AddSmtp(IServiceCollection services, DeliveryOptions delivery)
    {
        services.AddSingleton<RelayRests>().AddSingleton<RelayAccess>();
        services.AddSingleton(provider => new Routes(
            provider.GetRequiredKeyedService<MxRouter>(Routes.LookUps), provider.GetRequiredService<RelayDirectory>(), provider.GetRequiredService<RelayAccess>(), provider.GetRequiredService<TlsPolicies>(), delivery.Relay.Options,
            provider.GetRequiredService<SandboxAddress>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Transmitter>();
        services.AddSingleton(provider =>
        {
            var sites = new Sites(SiteSettings.Profiles(delivery.Sites), provider.GetRequiredService<TimeProvider>());
            DeliveryMetrics.Observe(sites);
            return sites;
        });
        services.AddSingleton(provider =>
        {
            var rests = new EgressRests(provider.GetRequiredService<EgressPools>(), provider.GetRequiredService<SentToday>());
            DeliveryMetrics.Observe(provider.GetRequiredService<EgressPools>(), rests);
            return rests;
        });
        services.AddSingleton<EgressLint>().AddSingleton<Departures>().AddHostedService<SentWriter>().AddHostedService<EgressWatch>();
        services.AddSingleton<SiteDomains>().AddSingleton<SiteGate>().AddHostedService<SiteReporter>();
        services.AddSingleton<DeliverySlots>().AddHostedService(provider => provider.GetRequiredService<DeliverySlots>());
    }

    /// <summary>Bodies hold what strangers wrote: a browser is to take each for what it is declared to be.</summary>
    private static Task AsDeclared(HttpContext context, RequestDelegate next)
    {
        // At the start of the answer: what fails begins with no header again.
        context.Response.OnStarting(static response =>
        {
            ((HttpResponse)response).Headers.XContentTypeOptions = "nosniff";
            return Task.CompletedTask;
        }, context.Response);
        return next(context);
    }

    private static void Map(WebApplication app)
    {
        app.UseExceptionHandler();
        app.Use(AsDeclared);
        app.UseTrustedProxies(app.Services.GetRequiredService<Settings>().TrustedProxies);
        app.UseWhen(context => context.Features.Get<ManagementConnection>() is not null, Management.Map);
        app.UseWhen(context => context.Features.Get<ManagementConnection>() is null, api => api.UseStatusCodePages(ApiReference.BareStatus));
        app.UseRouting();
        app.UseMiddleware<Authentication>();
        app.Use(ApiReference.Utf8);
        var routes = app.MapGroup("").AddEndpointFilter<Witness>();
        routes.MapMessages();
        routes.MapEvents();
        routes.MapQueue();
        routes.MapSites();
        routes.MapEgress();
        routes.MapTenants();
        routes.MapDomains();
        routes.MapRelays();
        routes.MapDiagnosis();
        routes.MapSuppressions();
        routes.MapPreferences();
        routes.MapStatistics();
        routes.MapUnsubscribe();
        routes.MapReceive();
        routes.MapMailboxes();
        routes.MapWebhooks();
        routes.MapSandbox();
        routes.MapTlsResults();
        routes.MapReports();
        routes.MapAudit();
        routes.MapSecrets();
        app.MapReference();
    }
}
