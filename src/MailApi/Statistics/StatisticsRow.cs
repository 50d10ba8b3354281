using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Statistics;

/// <summary>
/// What became of mail, counted in envelopes by the day on which it happened. Mail that was delivered and came back later is in both counts; one that is
/// deferred several times is counted each time.
/// </summary>
internal sealed record StatisticsRow
{
    /// <summary>The sending domain; where it was asked for.</summary>
    public string? Domain { get; init; }

    /// <summary>Where it was asked for.</summary>
    public Category? Category { get; init; }

    /// <summary>The mail hosts of the recipients' domain, or its name where they are not known; where it was asked for.</summary>
    public string? Site { get; init; }

    /// <summary>In UTC; where it was asked for.</summary>
    public DateOnly? Day { get; init; }
    public required long Accepted { get; init; }
    public required long Delivered { get; init; }

    /// <summary>Attempts that failed for now.</summary>
    public required long Deferred { get; init; }
    public required long Bounced { get; init; }

    /// <summary>Bounces by their class, those that there are.</summary>
    public required IReadOnlyDictionary<string, long> BouncedByClass { get; init; }
    public required long Suppressed { get; init; }
    public required long Expired { get; init; }
    public required long Canceled { get; init; }
    public required long Failed { get; init; }
    public required long Unknown { get; init; }
    public required long Complained { get; init; }
    public required long Unsubscribed { get; init; }
}

/// <summary>A page of statistics.</summary>
/// <param name="From">The first day.</param>
/// <param name="To">The last day.</param>
/// <param name="Items">In the order of what they are told apart by.</param>
/// <param name="Next">The opaque cursor of the next page; absent on the last.</param>
internal sealed record StatisticsPage(DateOnly From, DateOnly To, IReadOnlyList<StatisticsRow> Items, string? Next);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(StatisticsPage))]
internal sealed partial class StatisticsJson : JsonSerializerContext;
