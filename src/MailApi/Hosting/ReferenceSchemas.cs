using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MailApi.Api;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailApi.Hosting;

/// <summary>What the types alone do not tell: words of enumerations, ids, which members must be there.</summary>
internal static class ReferenceSchemas
{
    public static async Task Describe(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        var nullable = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type);
        var type = nullable ?? context.JsonTypeInfo.Type;
        // What an optional enumeration means is told of the enumeration itself.
        if (nullable is { IsEnum: true }) schema.Description ??= (await context.GetOrCreateSchemaAsync(type, null, ct)).Description;
        schema.Description = WebUtility.HtmlDecode(schema.Description)?.ReplaceLineEndings(" ");
        if (type.IsEnum) SetWords(schema, TextOfAttribute.Of(type));
        else if (Prefix(type) is { } prefix) SetId(schema, prefix);
        else if (type == typeof(ProblemDetails)) SetProblem(schema);
        else if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object) SetRequired(schema, context.JsonTypeInfo);
        else if (context.JsonTypeInfo.ElementType is { } element && Prefix(element) is { } prefixOfElements) schema.Items ??= Id(prefixOfElements);
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Dictionary) (schema.MaxProperties, schema.MaxLength) = (schema.MaxLength, null);
        if (IsInstant(context)) schema.Format = "date-time";
        if (Words(context) is { } words) SetWords(schema.Items as OpenApiSchema ?? schema, words.Words);
        // What is null is absent, but where it is written all the same.
        if (!IsWrittenAsNull(context.JsonPropertyInfo)) schema.Type &= ~JsonSchemaType.Null;
    }

    /// <summary>An id behind its prefix.</summary>
    public static OpenApiSchema Id(string prefix)
    {
        var schema = new OpenApiSchema();
        SetId(schema, prefix);
        return schema;
    }

    /// <summary>What can only be done once all schemas are there.</summary>
    public static void Finish(OpenApiDocument document)
    {
        var requests = new HashSet<string>();
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations?.Values ?? Enumerable.Empty<OpenApiOperation>()))
            foreach (var content in operation.RequestBody?.Content?.Values ?? [])
            {
                // A body that may be absent is not null.
                if (content.Schema?.OneOf is [{ Type: JsonSchemaType.Null }, var body]) content.Schema = body;
                AddReferred(content.Schema, document, requests);
            }

        foreach (var (name, schema) in document.Components!.Schemas!)
        {
            // Who reads an answer passes over what is new in it; what is unknown in a request is refused.
            if (schema is OpenApiSchema { AdditionalProperties: null } known) known.AdditionalPropertiesAllowed = !requests.Contains(name);
            foreach (var (member, value) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
            {
                if (value.OneOf is [{ Type: JsonSchemaType.Null }, var present]) schema.Properties![member] = present;
                // In a request, null is the same as absent.
                if (requests.Contains(name) && schema.Required?.Contains(member) != true && value is OpenApiSchema { Enum: null or [] } own) own.Type |= JsonSchemaType.Null;
            }
        }
    }

    /// <summary>The names of the schemas that one refers to, itself included.</summary>
    private static void AddReferred(IOpenApiSchema? schema, OpenApiDocument document, HashSet<string> names)
    {
        if (schema is OpenApiSchemaReference { Reference.Id: { } id })
        {
            if (!names.Add(id)) return;
            schema = document.Components!.Schemas![id];
        }
        if (schema is null) return;
        AddReferred(schema.Items, document, names);
        foreach (var part in (schema.OneOf ?? []).Concat(schema.Properties?.Values ?? [])) AddReferred(part, document, names);
    }

    private static void SetWords(OpenApiSchema schema, IEnumerable<string> words)
    {
        schema.Type = JsonSchemaType.String;
        schema.Enum = [.. words.Select(word => JsonValue.Create(word))];
    }

    private static void SetId(OpenApiSchema schema, string prefix)
    {
        schema.Type = JsonSchemaType.String;
        schema.Pattern = $"^{prefix}[0-9a-f]{{{PrefixedId.HexDigits}}}$";
        schema.Description ??= $"An id of the form `{prefix}…`.";
    }

    private static void SetProblem(OpenApiSchema schema)
    {
        schema.Description = "A refusal (RFC 9457). Decide by `type`.";
        schema.Required = new SortedSet<string>(["type", "title", "status", "detail"], StringComparer.Ordinal);
        schema.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri", Description = $"Stable; `{Problem.TypeBase}` and a name of `contracts/errors.md`." },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The type in words." },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Description = "The status of the answer." },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What happened this time and what to do, for people." },
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "With `invalid`: what is wrong, keyed by JSON path, all at once.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
            },
        };
    }

    /// <summary>A request's members that must be there are marked so; an answer's are there unless they are null.</summary>
    private static void SetRequired(OpenApiSchema schema, JsonTypeInfo type)
    {
        var required = type.Properties.Where(IsRequired).Select(property => property.Name);
        schema.Required = new SortedSet<string>(required, StringComparer.Ordinal);
    }

    private static bool IsRequired(JsonPropertyInfo property) =>
        property.AttributeProvider?.IsDefined(typeof(RequiredAttribute), inherit: true) == true
        || !(property.IsGetNullable || Nullable.GetUnderlyingType(property.PropertyType) is not null);

    private static bool IsWrittenAsNull(JsonPropertyInfo? property) =>
        property?.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true) is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }] && !IsRequired(property);

    private static string? Prefix(Type type) => type.GetInterfaces().Any(it => it.IsGenericType && it.GetGenericTypeDefinition() == typeof(IPrefixedId<>))
        ? (string?)type.GetProperty(nameof(TenantId.Prefix))!.GetValue(null)
        : null;

    /// <summary>A text, so that what is no date is told with what else is wrong.</summary>
    private static bool IsInstant(OpenApiSchemaTransformerContext context) =>
        context.JsonPropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(DataTypeAttribute), inherit: true) is [DataTypeAttribute { DataType: DataType.DateTime }];

    private static TextOfAttribute? Words(OpenApiSchemaTransformerContext context) =>
        (context.JsonPropertyInfo?.AttributeProvider ?? (context.ParameterDescription?.ParameterDescriptor as IParameterInfoParameterDescriptor)?.ParameterInfo)
        ?.GetCustomAttributes(typeof(TextOfAttribute), inherit: true).OfType<TextOfAttribute>().FirstOrDefault();
}
