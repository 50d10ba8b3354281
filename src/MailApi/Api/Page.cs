using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MailApi.Api;

/// <summary>One page of a list.</summary>
/// <param name="Items">In the order of the list.</param>
/// <param name="Next">The opaque cursor of the next page; absent on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

public static class Paging
{
    /// <summary>An address in a query, where a plus sign that was not escaped has become a blank; only a quoted local part has blanks of its own.</summary>
    public static string? Address(string? text) => text?.StartsWith('"') == true ? text : text?.Replace(' ', '+');

    /// <summary>A point in time in a query, with or without its plus sign escaped; false for any other text.</summary>
    public static bool TryReadInstant(string text, out DateTimeOffset at) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at)
        || DateTimeOffset.TryParse(text.Replace(' ', '+'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at);

    public const int LimitDefault = 50;
    public const int LimitMax = 200;

    /// <summary>Null when <paramref name="limit"/> is out of range; the caller answers 422.</summary>
    public static int? Limit(int? limit) => limit is null ? LimitDefault : limit is >= 1 and <= LimitMax ? limit : null;

    /// <summary>Makes an opaque cursor of a position.</summary>
    public static string Encode(string position) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(position));

    /// <summary>False when the cursor is not one of ours; the caller answers 422.</summary>
    public static bool TryDecode(string cursor, out string position)
    {
        position = "";
        if (!Base64Url.IsValid(cursor)) return false;
        position = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
        return true;
    }
}
