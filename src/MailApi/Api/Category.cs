using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailApi.Api;

/// <summary>A stream of mail with its own queue, retry schedule, lifetime and suppression rules.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<Category>))]
public enum Category
{
    /// <summary>Newsletters and offers: lowest share of slots, always with an unsubscribe way.</summary>
    Marketing,

    /// <summary>Order mail, receipts, codes: highest share, short lifetime.</summary>
    Notification,

    /// <summary>Conversations with a customer: patient retries, suppressed by hard bounces alone.</summary>
    Support,
}

/// <summary>Enumerations travel and are stored in lower camel case: <c>notification</c>.</summary>
public sealed class LowerCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false) where T : struct, Enum;

public static class EnumText
{
    /// <summary>The stored and transmitted form of an enumeration member, <c>DuplicatePossible</c> → <c>duplicatePossible</c>.</summary>
    public static string ToText<T>(this T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(Enum.GetName(value)!);

    /// <summary>Reads <see cref="ToText{T}"/>'s form, and no other (no numbers, no other case).</summary>
    public static bool TryParse<T>(string? text, out T value) where T : struct, Enum =>
        Enum.TryParse(text, ignoreCase: true, out value) && Enum.IsDefined(value) && value.ToText() == text;

    /// <summary>Reads a value that this program wrote.</summary>
    /// <exception cref="FormatException">The text is no member's.</exception>
    public static T Parse<T>(string text) where T : struct, Enum =>
        TryParse<T>(text, out var value) ? value : throw new FormatException($"'{text}' is no {typeof(T).Name}.");
}
