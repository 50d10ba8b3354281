using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Domains;

/// <summary>A domain as the API shows it.</summary>
internal sealed record DomainAnswer
{
    public required DomainId Id { get; init; }
    public required string Name { get; init; }
    public required DomainState State { get; init; }
    public required Verification Verification { get; init; }
    public required IReadOnlyList<Category> Categories { get; init; }
    public required SendingRate Rate { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the records were last looked up; null when they never were.</summary>
    public required DateTimeOffset? CheckedAt { get; init; }

    /// <summary>How often a new DKIM key is made, in days; null: by hand alone.</summary>
    public required int? RotateDkimAfterDays { get; init; }
    public required IReadOnlyList<DomainRecord> Records { get; init; }

    /// <summary>What speaks against the name, in sentences; only in the answer to its registration.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    public static DomainAnswer Of(Domain domain, DomainOptions options) => new()
    {
        Id = domain.Id,
        Name = domain.Name,
        State = domain.State,
        Verification = domain.Verification,
        Categories = domain.Categories,
        Rate = domain.Rate,
        CreatedAt = domain.CreatedAt,
        CheckedAt = domain.CheckedAt,
        RotateDkimAfterDays = domain.RotateAfterDays,
        Records = DomainRecords.For(domain, options),
    };
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DomainRequest))]
[JsonSerializable(typeof(DomainSettings))]
[JsonSerializable(typeof(DomainAnswer))]
[JsonSerializable(typeof(Page<DomainAnswer>))]
[JsonSerializable(typeof(DkimImport))]
[JsonSerializable(typeof(DomainHealth))]
[JsonSerializable(typeof(Observations))]
[JsonSerializable(typeof(DomainExtras))]
internal sealed partial class DomainJson : JsonSerializerContext;
