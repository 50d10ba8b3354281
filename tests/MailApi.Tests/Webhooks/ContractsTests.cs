using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Api;
using MailApi.Events;
using NJsonSchema;
using Xunit;
using YamlDotNet.Serialization;

namespace MailApi.Tests.Webhooks;

public sealed class ContractsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<EventType> Types => [.. Enum.GetValues<EventType>()];

    [Theory, MemberData(nameof(Types))]
    public async Task Every_event_type_has_its_committed_example_and_schema(EventType type)
    {
        await Compare(Contracts.ExampleFile(type), Contracts.Example(type));
        await Compare(Contracts.SchemaFile(type), Contracts.Schema(type));
    }

    [Theory, MemberData(nameof(Types))]
    public async Task An_example_reads_as_an_event_and_writes_back_the_same(EventType type)
    {
        var text = await File.ReadAllTextAsync(Contracts.ExampleFile(type), Ct);
        var happened = JsonSerializer.Deserialize(text, EventJson.Default.Event)!;
        Assert.Equal(type, happened.Type);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(text), JsonSerializer.SerializeToNode(happened, EventJson.Default.Event)));
    }

    [Theory, MemberData(nameof(Types))]
    public async Task An_example_satisfies_its_schema_which_describes_all_of_it_and_no_other_type(EventType type)
    {
        var schema = await JsonSchema.FromJsonAsync(await File.ReadAllTextAsync(Contracts.SchemaFile(type), Ct), Ct);
        var text = await File.ReadAllTextAsync(Contracts.ExampleFile(type), Ct);
        Assert.Empty(schema.Validate(text));

        var example = JsonNode.Parse(text)!.AsObject();
        Assert.Empty(example.Select(member => member.Key).Except(schema.Properties.Keys));
        Assert.Empty(example["data"]!.AsObject().Select(member => member.Key).Except(schema.Properties["data"].ActualSchema.Properties.Keys));
        foreach (var member in schema.Properties["data"].ActualSchema.RequiredProperties)
        {
            var without = example.DeepClone();
            without["data"]!.AsObject().Remove(member);
            Assert.NotEmpty(schema.Validate(without.ToJsonString()));
        }
        foreach (var other in Enum.GetValues<EventType>().Where(other => other != type))
            Assert.NotEmpty(schema.Validate(Contracts.Example(other)));
    }

    [Fact]
    public void The_folder_holds_nothing_of_types_that_do_not_exist() =>
        Assert.Equal(
            EventTypes.All.SelectMany(name => new[] { name + ".json", name + ".schema.json" }).Order(StringComparer.Ordinal),
            Directory.GetFiles(Path.Combine(Contracts.Folder, "webhooks"), "*.json").Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Fact]
    public async Task Asyncapi_names_every_event_type_with_its_schema_and_every_doorbell_queue()
    {
        var api = Map(new DeserializerBuilder().Build().Deserialize<object>(await File.ReadAllTextAsync(Path.Combine(Contracts.Folder, "asyncapi.yaml"), Ct)));
        Assert.Equal("3.0.0", api["asyncapi"]);
        var messages = Map(Map(api["components"])["messages"]);
        var channels = Map(api["channels"]);

        Assert.Equal(EventTypes.All, Map(Map(channels["webhooks"])["messages"]).Keys);
        foreach (var name in EventTypes.All)
        {
            Assert.Equal($"#/components/messages/{name}", Map(Map(Map(channels["webhooks"])["messages"])[name])["$ref"]);
            var schema = (string)Map(Map(Map(messages[name])["payload"])["schema"])["$ref"];
            Assert.True(File.Exists(Path.Combine(Contracts.Folder, schema)), schema);
        }
        foreach (var category in Enum.GetValues<Category>())
            Assert.Equal("deliver-" + category.ToText(), Map(channels["deliver-" + category.ToText()])["address"]);

        var envelopes = Map(Map(Map(Map(messages["doorbell"])["payload"])["properties"])["envelopes"]);
        Assert.Equal("16", envelopes["maxItems"]);
        Assert.Equal(["id", "attempt", "tenant"], Map(Map(envelopes["items"])["properties"]).Keys);
        foreach (var reference in References(api).Where(reference => reference.StartsWith("#/", StringComparison.Ordinal)))
            Assert.NotNull(reference[2..].Split('/').Aggregate((object)api, (node, step) => Map(node)[step]));
    }

    private static async Task Compare(string file, string expected)
    {
        if (Environment.GetEnvironmentVariable("MAILAPI_WRITE_CONTRACTS") == "1") await File.WriteAllTextAsync(file, expected, Ct);
        Assert.True(File.Exists(file), $"{file} is missing: run this test with MAILAPI_WRITE_CONTRACTS=1 and commit.");
        Assert.Equal(expected, await File.ReadAllTextAsync(file, Ct));
    }

    private static Dictionary<string, object> Map(object node) =>
        node as Dictionary<string, object> ?? ((Dictionary<object, object>)node).ToDictionary(pair => (string)pair.Key, pair => pair.Value);

    private static IEnumerable<string> References(object node) => node switch
    {
        Dictionary<string, object> map => map.SelectMany(pair => pair.Key == "$ref" ? [(string)pair.Value] : References(pair.Value)),
        Dictionary<object, object> => References(Map(node)),
        List<object> list => list.SelectMany(References),
        _ => [],
    };
}
