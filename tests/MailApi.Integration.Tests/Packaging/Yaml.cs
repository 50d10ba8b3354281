using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>YAML as JSON nodes, every scalar a string, anchors and merge keys resolved.</summary>
internal static class Yaml
{
    private static readonly IDeserializer Reader = new DeserializerBuilder().Build();
    private static readonly ISerializer Json = new SerializerBuilder().JsonCompatible().Build();

    public static List<JsonObject> Documents(string text)
    {
        var documents = new List<JsonObject>();
        var parser = new MergingParser(new Parser(new StringReader(text)));
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _)) documents.Add(JsonNode.Parse(Json.Serialize(Reader.Deserialize(parser)))!.AsObject());
        return documents;
    }

    /// <summary>The text at a path of names and positions, null where the path leads nowhere.</summary>
    public static string? Text(this JsonNode? node, params object[] path) => (string?)node.At(path);

    public static JsonNode? At(this JsonNode? node, params object[] path) => path.Aggregate(node, (at, step) => (at, step) switch
    {
        (JsonObject map, string name) => map[name],
        (JsonArray list, int position) when position < list.Count => list[position],
        _ => null,
    });

    /// <summary>The items of a list, none where the path leads nowhere.</summary>
    public static IEnumerable<JsonNode> List(this JsonNode? node, params object[] path) => node.At(path) is JsonArray list ? list.OfType<JsonNode>() : [];

    /// <summary>The members of a map, none where the path leads nowhere.</summary>
    public static Dictionary<string, string> Map(this JsonNode? node, params object[] path) =>
        node.At(path) is JsonObject map ? map.ToDictionary(member => member.Key, member => (string)member.Value!) : [];
}
