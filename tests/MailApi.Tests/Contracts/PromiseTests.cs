using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Tests.Http;

namespace MailApi.Tests.Contracts;

/// <summary>The document says what is refused; it is. Whatever a schema forbids is sent, and the answer must name the member.</summary>
public sealed class PromiseTests(TestHost host)
{
    public static TheoryData<string, string> Bodies => new()
    {
        { "/send", "SendRequest" }, { "/domains", "DomainRequest" }, { "/suppressions", "SuppressionRequest" }, { "/webhooks", "NewWebhook" }, { "/relays", "RelayRequest" },
        { "/tenants", "TenantRequest" }, { "/tenants/{id}/keys", "KeyRequest" }, { "/queue/suspend", "QueueKey" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task What_a_schema_forbids_is_refused_by_name(string path, string name)
    {
        var tenant = await host.NewTenant();
        var client = path.StartsWith("/tenants", StringComparison.Ordinal) || path.StartsWith("/queue", StringComparison.Ordinal) ? host.Admin : tenant.Live;
        var schema = JsonNode.Parse(await host.Anonymous.GetStringAsync("/openapi/v1.json"))!["components"]!["schemas"]![name]!;

        var tried = 0;
        foreach (var (member, body) in Violations(schema))
        {
            tried++;
            using var response = await client.PostAsJsonAsync(path.Replace("{id}", tenant.Id, StringComparison.Ordinal), body);
            var answer = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == HttpStatusCode.UnprocessableEntity, $"{member}: {(int)response.StatusCode} {answer}");
            var errors = JsonDocument.Parse(answer).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name);
            Assert.Contains(errors, error => error == member || error.StartsWith(member + "[", StringComparison.Ordinal) || error.StartsWith(member + ".", StringComparison.Ordinal));
        }
        Assert.NotEqual(0, tried);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_member_that_a_schema_does_not_list_is_bad_json(string path, string name)
    {
        var tenant = await host.NewTenant();
        var client = path.StartsWith("/tenants", StringComparison.Ordinal) || path.StartsWith("/queue", StringComparison.Ordinal) ? host.Admin : tenant.Live;
        var schema = JsonNode.Parse(await host.Anonymous.GetStringAsync("/openapi/v1.json"))!["components"]!["schemas"]![name]!;

        using var response = await client.PostAsJsonAsync(path.Replace("{id}", tenant.Id, StringComparison.Ordinal), new JsonObject { ["surplus"] = 1 });

        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task The_example_of_send_is_accepted()
    {
        var tenant = await host.NewTenant();
        var example = JsonNode.Parse(await host.Anonymous.GetStringAsync("/openapi/v1.json"))!["paths"]!["/send"]!["post"]!["requestBody"]!["content"]!["application/json"]!["example"]!;
        example["from"] = example["from"]!.GetValue<string>().Replace("mail.demo.example", tenant.Domain, StringComparison.Ordinal);

        using var response = await tenant.Test.PostAsJsonAsync("/send", example);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
    }

    /// <summary>Bodies that each break one rule of a schema, and perhaps others by what they leave out.</summary>
    private static IEnumerable<(string Member, JsonObject Body)> Violations(JsonNode schema)
    {
        foreach (var required in schema["required"]?.AsArray() ?? []) yield return (required!.GetValue<string>(), []);
        foreach (var (member, rules) in schema["properties"]!.AsObject())
            foreach (var value in Forbidden(rules!)) yield return (member, new JsonObject { [member] = value });
    }

    private static IEnumerable<JsonNode> Forbidden(JsonNode rules)
    {
        if (rules["enum"] is not null) yield return "gossip";
        if (rules["items"]?["enum"] is not null) yield return new JsonArray("gossip");
        if (rules["maxLength"] is { } characters) yield return new string('a', characters.GetValue<int>() + 1);
        if (rules["maxItems"] is { } items) yield return new JsonArray([.. Enumerable.Range(0, items.GetValue<int>() + 1).Select(_ => Item(rules["items"]!))]);
        if (rules["maxProperties"] is { } entries)
            yield return new JsonObject(Enumerable.Range(0, entries.GetValue<int>() + 1).Select(index => KeyValuePair.Create<string, JsonNode?>($"X-{index}", "a")));
        if (rules["minimum"] is { } minimum) yield return minimum.GetValue<double>() - 1;
        if (rules["maximum"] is { } maximum) yield return maximum.GetValue<double>() + 1;
    }

    private static JsonNode Item(JsonNode rules) => rules["$ref"] is null ? "ann@example.net" : new JsonObject();
}
