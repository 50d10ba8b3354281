using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Mail.Smtp.Submission;
using MailApi.Sending;
using MailApi.Spool;

namespace MailApi.Receiving;

/// <summary>What a message's own fields ask of the service.</summary>
internal sealed record Instructions(Category Category, string? Topic, IReadOnlyList<string> Tags, IReadOnlyDictionary<string, string> Metadata, string? IdempotencyKey)
{
    /// <summary>Under the caller's key stands what of the message its program would compose again, and whom it is for.</summary>
    public IdempotencyKey? Idempotency(Caller caller, ReadOnlyMemory<byte> octets, IReadOnlyList<EmailAddress> recipients) =>
        IdempotencyKey is null ? null : Acceptances.Idempotency(IdempotencyKey, caller, LastingOctets.Of(octets).Append(Encoding.UTF8.GetBytes(string.Join('\n', recipients))));
}

/// <summary>
/// Reads <c>X-MailApi-Category</c>, <c>X-MailApi-Topic</c>, <c>X-MailApi-Tag</c> (as often as there are tags), <c>X-MailApi-Metadata</c> (a JSON object of texts) and
/// <c>Idempotency-Key</c>, and holds them to what <c>POST /send</c> holds their twins to.
/// </summary>
internal sealed class SubmissionReader(SendRequestValidator validator)
{
    private const string CategoryField = "X-MailApi-Category";
    private const string TopicField = "X-MailApi-Topic";
    private const string TagField = "X-MailApi-Tag";
    private const string MetadataField = "X-MailApi-Metadata";
    private const string KeyField = "Idempotency-Key";
    private static readonly string[] Fields = [CategoryField, TopicField, TagField, MetadataField, KeyField];

    public bool TryRead(SubmittedMessage message, Caller caller, [NotNullWhen(true)] out Instructions? instructions, [NotNullWhen(false)] out string? fault)
    {
        instructions = null;
        var byField = message.Instructions.ToLookup(field => field.Name, field => field.Value, StringComparer.OrdinalIgnoreCase);
        fault = Misplaced(byField);
        if (fault is not null) return false;
        Dictionary<string, string?>? metadata = null;
        if (byField[MetadataField].SingleOrDefault() is { } json && !TryReadMetadata(json, out metadata, out fault)) return false;

        var request = new SendRequest
        {
            Subject = message.Subject,
            Category = byField[CategoryField].SingleOrDefault() ?? (caller.DefaultCategory ?? Category.Notification).ToText(),
            Topic = byField[TopicField].SingleOrDefault(),
            Tags = [.. byField[TagField]],
            Metadata = metadata,
        };
        var key = byField[KeyField].SingleOrDefault();
        fault = Validate(request);
        if (key is not null && Acceptances.Idempotency(key, caller, []) is null) fault ??= $"{KeyField} must be one text of 1 to {SendLimits.IdempotencyKeyCharsMax} characters.";
        if (fault is not null) return false;
        instructions = new Instructions(
            EnumText.Parse<Category>(request.Category!), request.Topic, [.. byField[TagField]], request.Metadata?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [], key);
        return true;
    }

    private static string? Misplaced(ILookup<string, string> byField)
    {
        foreach (var field in byField)
        {
            if (!Fields.Contains(field.Key, StringComparer.OrdinalIgnoreCase)) return $"{field.Key} is not known. There are {CategoryField}, {TopicField}, {TagField} and {MetadataField}.";
            if (field.Count() > 1 && !field.Key.Equals(TagField, StringComparison.OrdinalIgnoreCase)) return $"{field.Key} stands there twice. Leave one of them out.";
        }
        return null;
    }

    private static bool TryReadMetadata(string json, [NotNullWhen(true)] out Dictionary<string, string?>? metadata, [NotNullWhen(false)] out string? fault)
    {
        metadata = null;
        try
        {
            metadata = JsonSerializer.Deserialize(json, SubmissionJson.Default.DictionaryStringString);
        }
        catch (JsonException)
        {
            // Told below.
        }
        fault = metadata is null ? $$"""{{MetadataField}} must be a JSON object of texts, such as {"order":"1001"}.""" : null;
        return metadata is not null;
    }

    /// <summary>The first of what is wrong: a reply is one line.</summary>
    private string? Validate(SendRequest request)
    {
        string[] validated = [nameof(SendRequest.Category), nameof(SendRequest.Topic), nameof(SendRequest.Tags), nameof(SendRequest.Metadata)];
        // A message without a subject is none that its author would miss.
        if (request.Subject!.Length > 0) validated = [.. validated, nameof(SendRequest.Subject)];
        if (validator.Validate(request, options => options.IncludeProperties(validated)).Errors is not [var error, ..]) return null;
        var property = error.PropertyName.Split('.', '[')[0];
        var field = property.ToUpperInvariant() switch
        {
            "CATEGORY" => CategoryField,
            "TOPIC" => TopicField,
            "TAGS" => TagField,
            "METADATA" => MetadataField,
            _ => property,
        };
        return $"{field}: {error.ErrorMessage}";
    }
}

[JsonSourceGenerationOptions(AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Dictionary<string, string?>))]
internal sealed partial class SubmissionJson : JsonSerializerContext;
