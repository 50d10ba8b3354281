using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;

namespace MailApi.Tests.Webhooks;

/// <summary>
/// What <c>contracts/webhooks</c> says of every event type: an example and a JSON Schema (draft 7). The files are committed; with
/// <c>MAILAPI_WRITE_CONTRACTS=1</c> in the environment the test that compares them writes them instead.
/// </summary>
internal static class Contracts
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly DateTimeOffset At = new(2026, 12, 1, 9, 0, 0, 250, TimeSpan.Zero);

    public static string Folder { get; } = Path.Combine(Root(), "contracts");

    public static string ExampleFile(EventType type) => Path.Combine(Folder, "webhooks", type.Name() + ".json");

    public static string SchemaFile(EventType type) => Path.Combine(Folder, "webhooks", type.Name() + ".schema.json");

    public static string Example(EventType type)
    {
        var happened = new Event(new EventId(Guid.Parse("0198c0de000070008000000000000001")), type, At, new TenantId(Guid.Parse("0198c0de000070008000000000000002")), EventSamples.Of(type).Data);
        return JsonSerializer.Serialize(JsonSerializer.SerializeToNode(happened, EventJson.Default.Event), Readable) + "\n";
    }

    public static string Schema(EventType type)
    {
        var sample = EventSamples.Of(type);
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = type.Name(),
            ["description"] = sample.Means + " Members may be added; receivers pass over those that they do not know.",
            ["type"] = "object",
            ["required"] = Texts("id", "type", "timestamp", "tenant", "data"),
            ["properties"] = new JsonObject
            {
                ["id"] = Id("evt_", "The event, and the webhook-id header of every try to deliver it: process each id once."),
                ["type"] = new JsonObject { ["enum"] = Texts(type.Name()) },
                ["timestamp"] = Instant("When it happened."),
                ["tenant"] = Id("ten_", "Whose event it is."),
                ["data"] = new JsonObject
                {
                    ["type"] = "object",
                    ["required"] = Texts(sample.Required),
                    ["properties"] = new JsonObject(sample.Members.Select(member => KeyValuePair.Create<string, JsonNode?>(member, Member(member)))),
                },
            },
        };
        return JsonSerializer.Serialize(schema, Readable) + "\n";
    }

    private static JsonObject Member(string name) => name switch
    {
        "message" => Id("msg_", "The message."),
        "envelope" => Id("env_", "The message on its way to this one recipient."),
        "recipient" => Text("The recipient's address."),
        "category" => new JsonObject { ["enum"] = Texts([.. Enum.GetValues<Category>().Select(category => category.ToText())]) },
        "domain" => Text("The sending domain."),
        "topic" => Text("What the recipient wants to hear no more of, by the tenant's name; absent: nothing of the category."),
        "attempt" => Number("How often delivery has been started, this time included.", 0),
        "seq" => Number("Numbers the events of an envelope from 1 without gaps: sort by it, deliveries may overtake each other.", 1),
        "reply" => Reply(),
        "class" => new JsonObject { ["enum"] = Texts([.. Enum.GetValues<BounceClass>().Select(kind => kind.Name())]), ["description"] = "What kind of refusal the reply is." },
        "hard" => Flag("Whether trying again is of no use; else it was the hour or a limit, and the same mail may be taken later. Absent of a bounce from before this was recorded."),
        "explanation" => Text("What the refusal means and what to do about it, in words for people."),
        "reason" => Text("What happened where no receiver spoke, in words for people."),
        "nextAttemptAt" => Instant("When the next attempt is due."),
        "duplicatePossible" => Flag("An attempt ended without an answer after its final dot: the receiver may hold a copy."),
        "test" => Flag("The key was a test key: the mail went to the sandbox."),
        "tags" => new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" }, ["description"] = "As given when sending; absent when the event would exceed 20 kB." },
        "metadata" => new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" }, ["description"] = "As given when sending; absent when the event would exceed 20 kB." },
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No schema."),
    };

    private static JsonObject Reply() => new()
    {
        ["type"] = "object",
        ["description"] = "The receiver's last words.",
        ["required"] = Texts("code", "text"),
        ["properties"] = new JsonObject
        {
            ["code"] = new JsonObject { ["type"] = "integer", ["minimum"] = 200, ["maximum"] = 599, ["description"] = "RFC 5321 §4.2." },
            ["enhanced"] = new JsonObject { ["type"] = new JsonArray("string", "null"), ["pattern"] = @"^[245]\.\d{1,3}\.\d{1,3}$", ["description"] = "RFC 3463; null where the receiver gave none." },
            ["text"] = new JsonObject { ["type"] = "string" },
            ["mx"] = new JsonObject { ["type"] = new JsonArray("string", "null"), ["minLength"] = 1, ["description"] = "The host that spoke them; null where none did." },
        },
    };

    private static JsonObject Id(string prefix, string description) => new() { ["type"] = "string", ["pattern"] = $"^{prefix}[0-9a-f]{{32}}$", ["description"] = description };

    private static JsonObject Text(string description) => new() { ["type"] = "string", ["minLength"] = 1, ["description"] = description };

    private static JsonObject Instant(string description) => new() { ["type"] = "string", ["format"] = "date-time", ["description"] = description };

    private static JsonObject Number(string description, int minimum) => new() { ["type"] = "integer", ["minimum"] = minimum, ["description"] = description };

    private static JsonObject Flag(string description) => new() { ["type"] = "boolean", ["description"] = description };

    private static JsonArray Texts(params IReadOnlyList<string> texts) => new([.. texts.Select(text => (JsonNode?)text)]);

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MailApi.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
