using System.Reflection;
using System.Text.RegularExpressions;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Diagnosis;
using MailApi.Domains;
using MailApi.Limits;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Receiving;
using MailApi.Tenants;
using MailApi.Webhooks;

namespace MailApi.Hosting;

/// <summary>What a process does; a cluster splits them, one process has all.</summary>
[Flags]
internal enum Roles
{
    None = 0,
    Api = 1,
    Deliver = 2,
    Webhook = 4,
    Receive = 8,
    All = Api | Deliver | Webhook | Receive,
}

internal enum BusTransport
{
    InMemory,
    RabbitMq,
}

/// <summary>Everything that can be configured, as environment variables (<c>Store__Provider</c>) or in <c>appsettings.json</c>.</summary>
internal sealed partial class Settings
{
    public string Urls { get; set; } = "http://localhost:8080";

    /// <summary>Addresses or networks of proxies in front of <see cref="Urls"/>: their <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed, nobody else's.</summary>
    public string[] TrustedProxies { get; set; } = [];

    public ManagementSettings Management { get; set; } = new();
    public Roles Roles { get; set; } = Roles.All;
    public string DataDirectory { get; set; } = "data";
    public StoreOptions Store { get; set; } = new();
    public BusSettings Bus { get; set; } = new();
    public LimitOptions Limits { get; set; } = new();
    public AdminOptions Admin { get; set; } = new();
    public SecretsSettings Secrets { get; set; } = new();
    public DnsSettings Dns { get; set; } = new();
    public DeliveryOptions Delivery { get; set; } = new();
    public CategoriesSettings Categories { get; set; } = new();
    public WebhookOptions Webhooks { get; set; } = new();
    public DomainOptions Domains { get; set; } = new();
    public ReceiveOptions Receive { get; set; } = new();
    public DiagnosisOptions Diagnosis { get; set; } = new();

    /// <summary>Reads the configuration and refuses what it does not know or what does not fit together.</summary>
    /// <exception cref="SettingsException">Names the key and says what to do.</exception>
    public static Settings From(IConfiguration configuration)
    {
        try
        {
            foreach (var property in typeof(Settings).GetProperties())
                RefuseUnknownKeys(configuration.GetSection(property.Name), property.PropertyType);
            var settings = new Settings();
            configuration.Bind(settings);
            Coherence.Check(settings);
            return settings;
        }
        catch (InvalidOperationException e)
        {
            throw new SettingsException(QuotedPath().Replace(e.Message, path => path.Value.Replace(":", "__", StringComparison.Ordinal)) + " " + e.InnerException?.Message);
        }
    }

    private static void RefuseUnknownKeys(IConfigurationSection section, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        // The binder takes a number for any enumeration, and passes over the elements of a list or map that it cannot read.
        if (type.IsEnum && int.TryParse(section.Value, out _)) throw new SettingsException($"{Name(section)} is one of {string.Join(", ", Enum.GetNames(type))}.");
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
        {
            foreach (var entry in section.GetChildren())
            {
                entry.Get(type.GetGenericArguments()[1]);
                RefuseUnknownKeys(entry, type.GetGenericArguments()[1]);
            }
            return;
        }
        if (type.IsArray)
        {
            foreach (var element in section.GetChildren())
            {
                element.Get(type.GetElementType()!);
                RefuseUnknownKeys(element, type.GetElementType()!);
            }
        }
        if (type.IsPrimitive || type.IsEnum || type.IsArray || type == typeof(string) || type == typeof(TimeSpan)) return;
        // The keys of a dictionary are the operator's own names.
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
        {
            foreach (var child in section.GetChildren()) RefuseUnknownKeys(child, type.GetGenericArguments()[1]);
            return;
        }
        foreach (var child in section.GetChildren())
        {
            var property = type.GetProperty(child.Key, BindingFlags.IgnoreCase | BindingFlags.Public | BindingFlags.Instance);
            if (property is not { CanWrite: true })
            {
                var known = string.Join(", ", type.GetProperties().Where(it => it.CanWrite).Select(it => it.Name));
                throw new SettingsException($"{Name(child)} is no setting. Known here: {known}.");
            }
            RefuseUnknownKeys(child, property.PropertyType);
        }
    }

    /// <summary>Of a key, as the binder tells it.</summary>
    [GeneratedRegex("at '[^']*'", RegexOptions.NonBacktracking)]
    private static partial Regex QuotedPath();

    private static string Name(IConfigurationSection section) => section.Path.Replace(":", "__", StringComparison.Ordinal);
}

/// <summary>The configuration cannot be started with.</summary>
public sealed class SettingsException(string message) : Exception(message);

/// <summary>Section <c>Management</c>: health and metrics, without tenant data.</summary>
internal sealed class ManagementSettings
{
    public string Urls { get; set; } = "http://localhost:8081";
}

/// <summary>Section <c>Bus</c>.</summary>
internal sealed class BusSettings
{
    public BusTransport Transport { get; set; } = BusTransport.InMemory;

    /// <summary><c>amqp(s)://user:password@host:port/vhost</c>.</summary>
    public string? RabbitMq { get; set; }
}

/// <summary>Section <c>Secrets</c>.</summary>
internal sealed class SecretsSettings
{
    /// <summary>Base64 of 32 octets; by default a file in <c>DataDirectory</c>, made at the first start.</summary>
    public string? KeyEncryptionKey { get; set; }

    /// <summary>Open what they sealed, until it is sealed under <see cref="KeyEncryptionKey"/>: a rotation.</summary>
    public string[] PreviousKeyEncryptionKeys { get; set; } = [];
}

/// <summary>Section <c>Dns</c>.</summary>
internal sealed class DnsSettings
{
    /// <summary><c>ip:port, …</c>; by default the system's.</summary>
    public string? Servers { get; set; }

    /// <summary>DS records of the root's keys (RFC 4034 §5), <c>tag algorithm digest-type digest</c>; by default those that IANA publishes. For networks with a root of their own.</summary>
    public string[] TrustAnchors { get; set; } = [];

    /// <summary>The port of the servers that have authority over a zone; another than 53 only for tests.</summary>
    public int AuthorityPort { get; set; } = 53;

    /// <exception cref="SettingsException">They cannot be read.</exception>
    public DnsOptions Options(bool allowPrivateNetworks)
    {
        if (!DnsOptions.TryParseServers(Servers, out var servers)) throw new SettingsException("Dns__Servers must be addresses such as 127.0.0.1:53, separated by commas.");
        if (AuthorityPort is < 1 or > 65535) throw new SettingsException("Dns__AuthorityPort must be a port.");
        var anchors = TrustAnchors.Select(text => TrustAnchor.TryParse(text, out var anchor)
            ? anchor
            : throw new SettingsException("Dns__TrustAnchors must be the data of DS records: key tag, algorithm, digest type, digest in hexadecimal.")).ToList();
        var options = new DnsOptions { Servers = servers, AuthorityPort = AuthorityPort, AllowPrivateNetworks = allowPrivateNetworks };
        return anchors.Count == 0 ? options : options with { TrustAnchors = anchors };
    }
}

/// <summary>Section <c>Categories</c>.</summary>
internal sealed class CategoriesSettings
{
    public CategoryOptions Marketing { get; set; } = new();
    public CategoryOptions Notification { get; set; } = new();
    public CategoryOptions Support { get; set; } = new();

    public CategoryOptions Of(Category category) => category switch
    {
        Category.Marketing => Marketing,
        Category.Notification => Notification,
        _ => Support,
    };
}
