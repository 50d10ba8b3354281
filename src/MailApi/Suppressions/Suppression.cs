using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>Why no more mail goes to an address. Of several the last one here is told.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<SuppressionReason>))]
internal enum SuppressionReason
{
    /// <summary>The recipient does not want the topic of this mail. No entry of the list: it stands in the recipient's preferences.</summary>
    [Browsable(false)]
    TopicPreference,

    /// <summary>The recipient asked to be left alone.</summary>
    Unsubscribe,

    /// <summary>The mailbox refused so much in a row that it is given a rest (<see cref="Bounces"/>).</summary>
    SoftBounce,

    /// <summary>The recipient called it spam.</summary>
    Complaint,

    /// <summary>The address does not exist.</summary>
    HardBounce,

    /// <summary>The tenant put it on the list; counts whatever a category's rules say.</summary>
    Manual,
}

internal static class SuppressionReasons
{
    /// <summary>Those that an entry of the list can have.</summary>
    public static readonly IReadOnlyList<SuppressionReason> OfEntries = [.. Enum.GetValues<SuppressionReason>().Where(reason => reason != SuppressionReason.TopicPreference)];

    /// <summary>False for what no entry can have.</summary>
    public static bool TryParse(string? text, out SuppressionReason reason) => EnumText.TryParse(text, out reason) && OfEntries.Contains(reason);
}

/// <summary>An address that gets no more mail from its tenant. It has an entry for each reason.</summary>
internal sealed record Suppression
{
    public required SuppressionId Id { get; init; }

    /// <summary>In lower case.</summary>
    public required string Address { get; init; }

    /// <summary>Null: every category.</summary>
    public required Category? Category { get; init; }
    public required SuppressionReason Reason { get; init; }

    /// <summary>Who put it there: <c>api</c>, <c>import</c>, <c>recipient</c>, <c>envelope env_…</c> and the like.</summary>
    public required string Source { get; init; }
    public required DateTimeOffset Since { get; init; }

    /// <summary>From then on it holds nothing back, and is removed; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Set: the tenant sends all the same, until the same happens again.</summary>
    public SuppressionOverride? Override { get; init; }
}

/// <summary>The tenant's word against an entry.</summary>
/// <param name="At">Since when.</param>
/// <param name="By">The key that said it, or <c>operator</c>.</param>
/// <param name="Reason">The tenant's words.</param>
internal sealed record SuppressionOverride(DateTimeOffset At, string By, string Reason);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SuppressionRequest))]
[JsonSerializable(typeof(OverrideRequest))]
[JsonSerializable(typeof(Suppression))]
[JsonSerializable(typeof(Page<Suppression>))]
[JsonSerializable(typeof(ImportResult))]
[JsonSerializable(typeof(TopicList))]
[JsonSerializable(typeof(TopicsRequest))]
[JsonSerializable(typeof(Preferences))]
[JsonSerializable(typeof(PreferencesRequest))]
internal sealed partial class SuppressionJson : JsonSerializerContext;
