using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Suppressions;

/// <summary>Why no more mail goes to an address, the weightiest last: a weightier reason replaces a lighter one.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<SuppressionReason>))]
internal enum SuppressionReason
{
    /// <summary>The recipient asked to be left alone.</summary>
    Unsubscribe,

    /// <summary>The recipient called it spam.</summary>
    Complaint,

    /// <summary>The address does not exist.</summary>
    HardBounce,

    /// <summary>The tenant put it on the list; counts whatever a category's rules say.</summary>
    Manual,
}

/// <summary>An address that gets no more mail from its tenant.</summary>
internal sealed record Suppression
{
    public required SuppressionId Id { get; init; }

    /// <summary>In lower case.</summary>
    public required string Address { get; init; }

    /// <summary>Null: every category.</summary>
    public required Category? Category { get; init; }
    public required SuppressionReason Reason { get; init; }

    /// <summary>Who put it there: <c>api</c>, <c>recipient</c>, <c>dsn</c> and the like.</summary>
    public required string Source { get; init; }
    public required DateTimeOffset Since { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SuppressionRequest))]
[JsonSerializable(typeof(Suppression))]
[JsonSerializable(typeof(Page<Suppression>))]
internal sealed partial class SuppressionJson : JsonSerializerContext;
