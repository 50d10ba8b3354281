using System.Data.Common;
using System.Text.Json;

namespace MailApi.Storage;

/// <summary>Columns that may be null, instants and JSON lists, read alike from both databases.</summary>
public static class Rows
{
    public static string? TextOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
    public static int? IntOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt32(column);
    public static long? LongOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
    public static Guid? GuidOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetGuid(column);
    public static byte[] Bytes(this DbDataReader row, int column) => row.GetFieldValue<byte[]>(column);
    public static byte[]? BytesOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);

    /// <summary>An instant stored as milliseconds since the Unix epoch.</summary>
    public static DateTimeOffset Instant(this DbDataReader row, int column) => DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
    public static DateTimeOffset? InstantOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.Instant(column);

    /// <summary>A JSON array of strings.</summary>
    public static IReadOnlyList<string> Texts(this DbDataReader row, int column) => JsonText.List(row.GetString(column));
    public static IReadOnlyList<string>? TextsOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.Texts(column);
}

/// <summary>Lists and maps of strings as the JSON text that columns hold.</summary>
public static class JsonText
{
    public static string From(IReadOnlyList<string> list) => JsonSerializer.Serialize(list, StorageJson.Default.IReadOnlyListString);
    public static string From(IReadOnlyDictionary<string, string> map) => JsonSerializer.Serialize(map, StorageJson.Default.IReadOnlyDictionaryStringString);
    public static IReadOnlyList<string> List(string json) => JsonSerializer.Deserialize(json, StorageJson.Default.IReadOnlyListString)!;
    public static IReadOnlyDictionary<string, string> Map(string json) => JsonSerializer.Deserialize(json, StorageJson.Default.IReadOnlyDictionaryStringString)!;
}

[System.Text.Json.Serialization.JsonSerializable(typeof(IReadOnlyList<string>))]
[System.Text.Json.Serialization.JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class StorageJson : System.Text.Json.Serialization.JsonSerializerContext;
