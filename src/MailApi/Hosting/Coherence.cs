using System.ComponentModel.DataAnnotations;
using System.Net;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Delivery.Egress;
using MailApi.Delivery.Tls;
using MailApi.Diagnosis;
using MailApi.Limits;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;
using MailApi.Receiving;
using MailApi.Storage;
using Microsoft.Data.Sqlite;
using Npgsql;
using StackExchange.Redis;

namespace MailApi.Hosting;

/// <summary>Refuses to start half configured: a cluster whose nodes do not share what they must, or a limit that would not hold.</summary>
internal static class Coherence
{
    private const int AdminKeyCharsMin = 32;

    public static void Check(Settings settings)
    {
        if (settings.Roles == Roles.None) throw new SettingsException("Roles names no role. Use All, or some of Api, Deliver, Webhook, Receive.");
        if (settings.Roles != Roles.All) CheckSplit(settings);
        if (settings.Store.Provider == StoreProvider.PostgreSql && string.IsNullOrWhiteSpace(settings.Store.ConnectionString))
            throw new SettingsException("Store__ConnectionString is required with Store__Provider=PostgreSql.");
        if (!IsReadable(() => settings.Store.Provider == StoreProvider.PostgreSql
            ? new NpgsqlConnectionStringBuilder(settings.Store.ConnectionString).ConnectionString
            : new SqliteConnectionStringBuilder(settings.Store.ConnectionString).ConnectionString))
        {
            throw new SettingsException(settings.Store.Provider == StoreProvider.PostgreSql
                ? "Store__ConnectionString is none of PostgreSQL's, such as Host=db;Database=mailapi;Username=mailapi;Password=…"
                : "Store__ConnectionString is none of SQLite's, such as Data Source=/var/lib/mailapi/mailapi.db: set Store__Provider=PostgreSql if it is PostgreSQL's.");
        }
        CheckBus(settings);
        if (settings.Limits.Backend == LimitsBackend.Redis && string.IsNullOrWhiteSpace(settings.Limits.Redis))
            throw new SettingsException("Limits__Redis is required with Limits__Backend=Redis, for example localhost:6379.");
        if (settings.Limits.Redis is { } redis && !IsReadable(() => ConfigurationOptions.Parse(redis)))
            throw new SettingsException("Limits__Redis is no configuration of StackExchange.Redis, for example cache:6379,password=…,ssl=true.");
        if (settings.Limits.FallbackShare is not (> 0 and <= 1)) throw new SettingsException("Limits__FallbackShare must be above 0 and at most 1.");
        if (settings.Admin.Key is { Length: < AdminKeyCharsMin })
            throw new SettingsException($"Admin__Key must have {AdminKeyCharsMin} characters or more.");
        CheckSecrets(settings.Secrets);
        for (var index = 0; index < settings.TrustedProxies.Length; index++)
            if (!Proxies.TryParse(settings.TrustedProxies[index], out _)) throw new SettingsException($"TrustedProxies__{index} must be an address or a network such as 10.0.0.0/8.");
        if (settings.Delivery.Lease <= TimeSpan.Zero) throw new SettingsException("Delivery__Lease must be a positive time span.");
        if (settings.Delivery.MxPort is < 1 or > 65535) throw new SettingsException("Delivery__MxPort must be a port.");
        if (settings.Delivery.StopPatience < TimeSpan.Zero) throw new SettingsException("Delivery__StopPatience must not be negative.");
        CheckReceive(settings);
        CheckRelay(settings.Delivery.Relay);
        CheckSites(settings.Delivery.Sites);
        CheckTls(settings.Delivery.Tls);
        CheckRanges("Webhooks", settings.Webhooks);
        _ = settings.Dns.Options(settings.Delivery.AllowPrivateNetworks);
        if (settings.Delivery.EgressAddresses is { } egress && !DeliveryOptions.TryParseAddresses(egress, out _))
            throw new SettingsException("Delivery__EgressAddresses must be addresses such as 203.0.113.7, separated by commas.");
        CheckPools(settings);
        CheckDiagnosis(settings.Diagnosis);
        if (settings.Domains.DelegationZone is { } zone && !DomainName.TryParse(zone, out _)) throw new SettingsException("Domains__DelegationZone must be a domain name.");
        if (!DomainName.TryParse(settings.Domains.SpfIncludeOrDefault, out _) && settings.Domains.SpfInclude is not null) throw new SettingsException("Domains__SpfInclude must be a domain name.");
        if (string.IsNullOrWhiteSpace(settings.Domains.ServiceHost)) throw new SettingsException("Domains__ServiceHost must be the public name of this service.");
        foreach (var category in Enum.GetValues<Category>()) CheckCategory(category, settings.Categories.Of(category));
    }

    private static void CheckSecrets(SecretsSettings secrets)
    {
        if (secrets.KeyEncryptionKey is { } key && !IsKey(key))
            throw new SettingsException($"Secrets__KeyEncryptionKey must be the base64 of {Vault.KeyBytes} octets: openssl rand -base64 {Vault.KeyBytes}");
        for (var index = 0; index < secrets.PreviousKeyEncryptionKeys.Length; index++)
        {
            var previous = secrets.PreviousKeyEncryptionKeys[index];
            if (!IsKey(previous)) throw new SettingsException($"Secrets__PreviousKeyEncryptionKeys__{index} must be the base64 of {Vault.KeyBytes} octets.");
            if (previous == secrets.KeyEncryptionKey) throw new SettingsException($"Secrets__PreviousKeyEncryptionKeys__{index} is Secrets__KeyEncryptionKey itself.");
        }
    }

    private static void CheckReceive(Settings settings)
    {
        var receive = settings.Receive;
        CheckRanges("Receive", receive);
        if (receive.GreetingPause < TimeSpan.Zero || receive.GreetingPause > ReceiveOptions.GreetingPauseMax)
            throw new SettingsException($"Receive__GreetingPause must be between 0 and {ReceiveOptions.GreetingPauseMax.TotalSeconds} seconds.");
        (string Key, string? Address)[] listeners = [("Smtp", receive.Smtp), ("Submission", receive.Submission), ("SubmissionTls", receive.SubmissionTls)];
        var taken = new Dictionary<IPEndPoint, string>();
        foreach (var (key, address) in listeners)
        {
            if (address is null) continue;
            if (!ReceiveOptions.TryParse(address, out var endpoint)) throw new SettingsException($"Receive__{key} must be an address and a port, such as 0.0.0.0:587 or [::]:587.");
            // What listens on port 25 concerns all: records and unsubscribe fields name addresses only where mail comes in.
            if (key != "Smtp" && !settings.Roles.HasFlag(Roles.Receive)) throw new SettingsException($"Receive__{key} is set, but Roles has no Receive: nothing would listen there.");
            if (endpoint.Port != 0 && !taken.TryAdd(endpoint, key)) throw new SettingsException($"Receive__{key} is the address of Receive__{taken[endpoint]} already.");
        }
        if (receive.CertificatePath is null != receive.CertificateKeyPath is null)
            throw new SettingsException($"Receive__{(receive.CertificatePath is null ? "CertificatePath" : "CertificateKeyPath")} is missing: a certificate and its key are set together.");
    }

    private static void CheckPools(Settings settings)
    {
        var delivery = settings.Delivery;
        if (delivery.Pools.Count == 0) return;
        if (delivery.EgressAddresses is { Length: > 0 }) throw new SettingsException("Delivery__Pools say what receivers see of each address (Public): leave Delivery__EgressAddresses out.");
        if (delivery.Relay.Options is not null) throw new SettingsException("Delivery__Pools would never be used: Delivery__Relay__Host takes all mail that no other relay takes. Leave one of them out.");
        if (PoolFlaws.Find(delivery.Pools, areHere: settings.Roles.HasFlag(Roles.Deliver)) is { } flaw) throw new SettingsException($"Delivery__Pools__{flaw}");
    }

    private static void CheckDiagnosis(DiagnosisOptions diagnosis)
    {
        if (diagnosis.AddressBlocklists.Concat(diagnosis.DomainBlocklists).FirstOrDefault(zone => !DomainName.TryParse(zone, out _)) is { } wrong)
            throw new SettingsException($"Diagnosis__AddressBlocklists and Diagnosis__DomainBlocklists name DNS zones; {wrong} is none.");
        if (diagnosis.Spamd is not null && diagnosis.SpamdEndPoint is null) throw new SettingsException("Diagnosis__Spamd must be host:port, such as 127.0.0.1:783.");
    }

    private static void CheckSplit(Settings settings)
    {
        if (settings.Store.Provider == StoreProvider.Sqlite)
            throw new SettingsException("Roles splits the service over processes, which SQLite cannot serve: set Store__Provider=PostgreSql or Roles=All.");
        if (settings.Bus.Transport == BusTransport.InMemory)
            throw new SettingsException("Roles splits the service over processes, which the in-memory bus cannot connect: set Bus__Transport=RabbitMq or Roles=All.");
        if (settings.Secrets.KeyEncryptionKey is null)
            throw new SettingsException("Roles splits the service over processes, which must share one Secrets__KeyEncryptionKey: openssl rand -base64 32");
    }

    private static void CheckBus(Settings settings)
    {
        if (settings.Limits.Backend == LimitsBackend.Local && settings.Limits.Redis is not null) throw new SettingsException("Limits__Redis is set, but not used: set Limits__Backend=Redis.");
        if (settings.Bus.Transport == BusTransport.InMemory)
        {
            if (settings.Bus.RabbitMq is not null) throw new SettingsException("Bus__RabbitMq is set, but not used: set Bus__Transport=RabbitMq.");
            return;
        }
        if (!Uri.TryCreate(settings.Bus.RabbitMq, UriKind.Absolute, out var address) || address.Scheme is not ("amqp" or "amqps"))
            throw new SettingsException("Bus__RabbitMq must be an amqp:// or amqps:// address with Bus__Transport=RabbitMq.");
        if (!address.IsLoopback && Uri.UnescapeDataString(address.UserInfo.Split(':')[0]) is "" or "guest")
            throw new SettingsException("Bus__RabbitMq must name a user of its own: guest is for this machine only.");
        if (settings.Limits.Backend == LimitsBackend.Local)
            throw new SettingsException("With Bus__Transport=RabbitMq several nodes may deliver, and each would allow the whole rate: set Limits__Backend=Redis.");
    }

    /// <summary>The settings that lead to the broker or the cache on another machine without TLS: allowed, since the network may be encrypted itself.</summary>
    public static IEnumerable<string> InClearText(Settings settings)
    {
        if (settings.Bus.Transport == BusTransport.RabbitMq && new Uri(settings.Bus.RabbitMq!) is { Scheme: "amqp", IsLoopback: false }) yield return "Bus__RabbitMq";
        if (settings.Limits.Backend != LimitsBackend.Redis || ConfigurationOptions.Parse(settings.Limits.Redis!) is not { Ssl: false } redis) yield break;
        if (!redis.EndPoints.All(IsHere)) yield return "Limits__Redis";

        static bool IsHere(EndPoint endpoint) => endpoint switch
        {
            IPEndPoint ip => IPAddress.IsLoopback(ip.Address),
            DnsEndPoint name => name.Host == "localhost",
            _ => true,
        };
    }

    private static void CheckRelay(RelaySettings relay)
    {
        if (relay.Port is < 0 or > 65535) throw new SettingsException("Delivery__Relay__Port must be a port.");
        // Without this, mail that was meant for the relay would go to the receivers straight away.
        if (relay.Options is null && (relay.Port != 0 || relay.Tls is not null || relay.Username is not null || relay.Password is not null || relay.Auth is not null))
            throw new SettingsException("Delivery__Relay__Host is missing, but other settings of the relay are there.");
        if (relay.Username is null && (relay.Password is not null || relay.Auth is not (null or RelayAuth.None)))
            throw new SettingsException("Delivery__Relay__Username is missing, but its password or Delivery__Relay__Auth is there.");
    }

    private static void CheckSites(Dictionary<string, SiteSettings> sites)
    {
        foreach (var (name, site) in sites)
        {
            CheckRanges($"Delivery__Sites__{name}", site);
            if (SiteSettings.Flaw(name, site) is { } flaw) throw new SettingsException($"Delivery__Sites__{name}__{flaw}");
        }
    }

    private static void CheckTls(TlsSettings tls)
    {
        if (tls.MtaStsPort is < 1 or > 65535) throw new SettingsException("Delivery__Tls__MtaStsPort must be a port.");
        if (tls.Policies.Keys.FirstOrDefault(name => !TlsSettings.IsName(name)) is { } wrong)
            throw new SettingsException($"Delivery__Tls__Policies__{wrong} must name a recipient domain, such as example.net, or mail hosts, such as *.mx.example.net.");
        if (!tls.Dane && tls.Policies.FirstOrDefault(policy => policy.Value == TlsLevel.Dane) is { Key: { } demanding })
            throw new SettingsException($"Delivery__Tls__Policies__{demanding} demands DANE, which Delivery__Tls__Dane=false switches off.");
    }

    /// <summary>What the options' own attributes say.</summary>
    private static void CheckRanges(string section, object options)
    {
        var failures = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), failures, validateAllProperties: true)) return;
        throw new SettingsException($"{section}__{failures[0].MemberNames.First()}: {failures[0].ErrorMessage}");
    }

    private static void CheckCategory(Category category, CategoryOptions options)
    {
        var key = "Categories__" + category.ToText();
        if (options.RetryDelays?.Any(delay => delay <= TimeSpan.Zero) == true) throw new SettingsException($"{key}__RetryDelays must be positive time spans.");
        if (options.Lifetime <= TimeSpan.Zero) throw new SettingsException($"{key}__Lifetime must be a positive time span.");
        if (options.ConcurrentDeliveries is < 1 or > 1000) throw new SettingsException($"{key}__ConcurrentDeliveries must be between 1 and 1000.");
        if (category == Category.Marketing && options.RequiresUnsubscribe == false) throw new SettingsException($"{key}__RequiresUnsubscribe cannot be false: marketing mail always offers unsubscribing (RFC 8058).");
    }

    private static bool IsReadable(Func<object> read)
    {
        try
        {
            _ = read();
            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            return false;
        }
    }

    private static bool IsKey(string text)
    {
        Span<byte> key = stackalloc byte[Vault.KeyBytes + 1];
        return Convert.TryFromBase64String(text, key, out var written) && written == Vault.KeyBytes;
    }
}
