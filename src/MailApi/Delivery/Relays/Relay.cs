using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Routing;
using MailApi.OAuth;

namespace MailApi.Delivery.Relays;

/// <summary>A relay (smart host) of a tenant, or of the operator for every tenant.</summary>
internal sealed record Relay : IOAuthLogin
{
    public required RelayId Id { get; init; }

    Guid IOAuthLogin.Key => Id.Value;

    string IOAuthLogin.Name => Id.ToString();

    /// <summary>Whose mail it takes; null: every tenant's.</summary>
    public required TenantId? Tenant { get; init; }

    /// <summary>The sending domain whose mail it takes, in A-labels; null: any.</summary>
    public string? Domain { get; init; }

    /// <summary>The category whose mail it takes; null: any.</summary>
    public Category? Category { get; init; }
    public required string Name { get; init; }

    /// <summary>A name in lower case, or an address.</summary>
    public required string Host { get; init; }
    public required int Port { get; init; }
    public required RelayTls Tls { get; init; }

    /// <summary>Null: the best mechanism that the relay offers.</summary>
    public RelayAuth? Auth { get; init; }
    public string? Username { get; init; }
    public string? Password { get; init; }
    public OAuthClient? OAuth { get; init; }

    /// <summary>The lower ones are tried first.</summary>
    public required int Priority { get; init; }

    /// <summary>The share of the mail among relays of one priority.</summary>
    public required int Weight { get; init; }
    public required RelayLimits Limits { get; init; }
    public required bool Enabled { get; init; }

    /// <summary>Grows with every write.</summary>
    public int Revision { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its settings changed last; what is remembered of it (a token, a failure) is of this version.</summary>
    public DateTimeOffset ChangedAt { get; init; }

    /// <param name="token">The access token of a relay with <see cref="OAuth"/>.</param>
    public RelayOptions Options(string? token) => new()
    {
        Host = Host,
        Port = Port,
        Tls = Tls switch
        {
            RelayTls.None => TlsPolicy.None,
            RelayTls.Opportunistic => TlsPolicy.Opportunistic,
            RelayTls.Implicit => TlsPolicy.Implicit,
            _ => TlsPolicy.StartTls,
        },
        Username = Username,
        Password = OAuth is null ? Password : token,
        PasswordIsToken = OAuth is not null,
        Auth = Auth,
    };

    /// <summary>Its secrets are printed nowhere.</summary>
    public override string ToString() => Id.ToString();
}

/// <summary>How the connection to a relay is protected.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<RelayTls>))]
internal enum RelayTls
{
    /// <summary>In the clear; for networks of one's own.</summary>
    None,

    /// <summary>STARTTLS where offered, with any certificate. A password is never sent without it.</summary>
    Opportunistic,

    /// <summary>STARTTLS with a valid certificate, or nothing (RFC 3207).</summary>
    StartTls,

    /// <summary>TLS from the first octet with a valid certificate (RFC 8314).</summary>
    Implicit,
}

/// <summary>What a relay's provider allows, or its owner wants.</summary>
internal sealed record RelayLimits
{
    public const double PerSecondMin = 0.001;
    public const double PerSecondMax = 10_000;
    public const int BurstMax = 100_000;
    public const int ConnectionsMax = 1_000;
    public const int MessagesPerConnectionMax = 10_000;

    /// <summary>Messages a second, on average, of all who use it together.</summary>
    [Range(PerSecondMin, PerSecondMax)]
    public double? PerSecond { get; init; }

    /// <summary>Messages at once; by default as many as go in a second.</summary>
    [Range(1, BurstMax)]
    public int? Burst { get; init; }

    /// <summary>Connections at a time, of one node.</summary>
    [Range(1, ConnectionsMax)]
    public int? Connections { get; init; }

    /// <summary>Messages over one connection.</summary>
    [Range(1, MessagesPerConnectionMax)]
    public int? MessagesPerConnection { get; init; }

    /// <summary>At least one.</summary>
    internal int BurstOrDefault => Burst ?? Math.Max(1, (int)Math.Ceiling(PerSecond ?? 1));
}

/// <summary>The words for mechanisms of AUTH, which do not follow from their names' case.</summary>
internal static class RelayAuthText
{
    private static readonly FrozenDictionary<string, RelayAuth> ByText =
        TextOfAttribute.Of(typeof(RelayAuth)).Zip(Enum.GetValues<RelayAuth>()).ToFrozenDictionary(pair => pair.First, pair => pair.Second);

    private static readonly FrozenDictionary<RelayAuth, string> Texts = ByText.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    public static IEnumerable<string> All => Enum.GetValues<RelayAuth>().Select(ToText);

    public static string ToText(RelayAuth auth) => Texts[auth];

    public static bool TryParse(string? text, out RelayAuth auth) => ByText.TryGetValue(text ?? "", out auth);

    /// <summary>The password is an access token.</summary>
    public static bool TakesToken(RelayAuth auth) => auth is RelayAuth.XOAuth2 or RelayAuth.OAuthBearer;
}
