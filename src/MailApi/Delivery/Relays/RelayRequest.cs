using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Routing;
using MailApi.OAuth;

namespace MailApi.Delivery.Relays;

/// <summary>The body of <c>PATCH /relays/{id}</c>; absent members stay as they are.</summary>
internal record RelayChange
{
    public const int PriorityMax = 1_000;
    public const int WeightMax = 1_000;

    /// <summary>For people.</summary>
    public string? Name { get; init; }

    /// <summary>A name, or an address. Another host is told no secret that was given for this one: repeat them.</summary>
    public string? Host { get; init; }

    /// <summary>By default 465 with implicit TLS, else 587.</summary>
    [Range(1, 65535)]
    public int? Port { get; init; }

    /// <summary>How the connection is protected, by default startTls.</summary>
    [TextOf(typeof(RelayTls))]
    public string? Tls { get; init; }

    /// <summary>The mechanism of AUTH, by default the best one that the relay offers.</summary>
    [TextOf(typeof(RelayAuth))]
    public string? Auth { get; init; }
    public string? Username { get; init; }

    /// <summary>Never shown again.</summary>
    public string? Password { get; init; }

    /// <summary>In a password's place.</summary>
    [JsonPropertyName("oauth")]
    public OAuthSettings? OAuth { get; init; }

    /// <summary>Lower ones are tried first; a higher one takes over while they cannot be reached or refuse the login. By default 0.</summary>
    [Range(0, PriorityMax)]
    public int? Priority { get; init; }

    /// <summary>The share of the mail among relays of one priority. By default 1.</summary>
    [Range(1, WeightMax)]
    public int? Weight { get; init; }

    /// <summary>Replaced as a whole: an empty object takes all limits away.</summary>
    public RelayLimits? Limits { get; init; }

    /// <summary>By default true.</summary>
    public bool? Enabled { get; init; }

    /// <summary>The relay as it would be, to be judged as if it were new.</summary>
    public RelayRequest Over(Relay relay)
    {
        // Whoever may change a relay may not thereby learn its secrets, by naming a host of its own or taking the protection away.
        var samePlace = (Host is null || Host.Equals(relay.Host, StringComparison.OrdinalIgnoreCase)) && (Tls is null || Tls == relay.Tls.ToText());
        var isOpen = Auth == RelayAuthText.ToText(RelayAuth.None);
        var password = Password ?? (samePlace && OAuth is null && !isOpen ? relay.Password : null);
        var oauth = OAuth is not null ? OAuth.Over(samePlace ? relay.OAuth : null)
            : Password is null && !isOpen && relay.OAuth is { } kept ? new OAuthSettings().Over(samePlace ? kept : kept with { ClientSecret = null, RefreshToken = null })
            : null;
        var sameKind = (oauth is null) == (relay.OAuth is null) && relay.Auth is not RelayAuth.None;
        return new RelayRequest
        {
            Tenant = relay.Tenant,
            Domain = relay.Domain,
            Category = relay.Category?.ToText(),
            Name = Name ?? relay.Name,
            Host = Host ?? relay.Host,
            Port = Port ?? relay.Port,
            Tls = Tls ?? relay.Tls.ToText(),
            Auth = Auth ?? (relay.Auth is { } auth && (sameKind || (password is null && oauth is null)) ? RelayAuthText.ToText(auth) : null),
            Username = Username ?? (isOpen ? null : relay.Username),
            Password = password,
            OAuth = oauth,
            Priority = Priority ?? relay.Priority,
            Weight = Weight ?? relay.Weight,
            Limits = Limits ?? relay.Limits,
            Enabled = Enabled ?? relay.Enabled,
        };
    }
}

/// <summary>The body of <c>POST /relays</c>.</summary>
internal sealed record RelayRequest : RelayChange
{
    /// <summary>Whose mail it takes; the operator's key alone names it, and without one the relay takes every tenant's.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>A registered sending domain, if the relay is to take its mail alone.</summary>
    public string? Domain { get; init; }

    /// <summary>If the relay is to take the mail of one category alone.</summary>
    [TextOf(typeof(Category))]
    public string? Category { get; init; }

    /// <summary>The relay that a valid request describes.</summary>
    public Relay ToRelay(RelayId id, TenantId? tenant)
    {
        var tls = EnumText.TryParse<RelayTls>(Tls, out var named) ? named : RelayTls.StartTls;
        return new Relay
        {
            Id = id,
            Tenant = tenant,
            Domain = Domain,
            Category = EnumText.TryParse<Category>(Category, out var category) ? category : null,
            Name = Name!,
            Host = Host!.TrimEnd('.').ToLowerInvariant(),
            Port = Port ?? (tls == RelayTls.Implicit ? 465 : 587),
            Tls = tls,
            Auth = RelayAuthText.TryParse(Auth, out var auth) ? auth : null,
            Username = Username,
            Password = Password,
            OAuth = OAuth?.ToOAuth(),
            Priority = Priority ?? 0,
            Weight = Weight ?? 1,
            Limits = Limits ?? new RelayLimits(),
            Enabled = Enabled ?? true,
        };
    }

    /// <summary>It holds secrets.</summary>
    public override string ToString() => nameof(RelayRequest);
}
