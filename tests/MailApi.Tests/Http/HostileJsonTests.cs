using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>S-26: a body that no honest client sends is taken for another, or brings a route down.</summary>
public sealed class HostileJsonTests(TestHost host)
{
    private const string Mark = "@@hostile@@";

    /// <summary>A body may be absent here.</summary>
    private const string WithoutBody = "POST /webhooks/{whk_}/replay";

    /// <summary>Values that are right nowhere.</summary>
    private static readonly string[] Wrong =
    [
        "1e999", "-1e999", "99999999999999999999999999999999999999", "1e-999", "\"\\ud800\"", "\"a\\udc00b\"", "\"\\u12\"", "\"a\nb\"", "NaN", "Infinity", "-Infinity", "01", "0x10", "'a'", "undefined",
        Deep('[', ']', 20), Deep('[', ']', 5_000), string.Concat(Enumerable.Repeat("{\"a\":", 5_000)), "[{\"a\":1,\"a\":2}]", "[1,]", "/* */ 1", "1 // 1", "{\"\\ud800\":1}", "{\"a\":1,\"\\u0061\":2}",
    ];

    /// <summary>Values that may be right somewhere, and must not fail the service anywhere.</summary>
    private static readonly string[] Odd = ["{}", "[]", "[[]]", "[null]", "true", "0", "-1", "-0", "1.5", "2147483648", "\"\"", "\"\\u0000\"", "\"\\uffff\"", "\"9999-12-31T23:59:59.9999999Z\"", "\"0001-01-01T00:00:00+14:00\""];

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task No_body_fails_a_route_and_what_is_no_JSON_object_of_its_own_is_400()
    {
        var owner = await Estate.Make(host);
        var routes = Routes();
        var wrong = new List<string>();
        foreach (var route in routes)
            foreach (var (name, body) in Bodies(ApiRoutes.Bodies[route.ToString()]).Where(it => route.ToString() != WithoutBody || it.Name is not ("" or "null")))
                if (await Ask(owner.Tenant, route, route.Path(prefix => owner.Ids[prefix]), body) is var answer && answer.Status != HttpStatusCode.BadRequest) wrong.Add($"{route} with {name}: {(int)answer.Status} {answer.Text}");
        Rule.Holds(wrong);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task No_value_of_any_member_fails_a_route()
    {
        var owner = await Estate.Make(host);
        var wrong = new List<string>();
        foreach (var route in Routes())
        {
            var sample = ApiRoutes.Bodies[route.ToString()];
            if (await Ask(owner.Tenant, route, route.Path(prefix => owner.Ids[prefix]), Encoding.UTF8.GetBytes(sample)) is { Status: HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity } bad) wrong.Add($"{route}: the sample is refused itself: {bad.Text}");
            foreach (var template in Templates(sample))
            {
                foreach (var value in Wrong)
                    if (await Try(value) is { Status: not (HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity) } answer) wrong.Add($"{route} with {Short(template)} = {Short(value)}: {(int)answer.Status} {answer.Text}");
                foreach (var value in Odd)
                    if (await Try(value) is { Status: >= HttpStatusCode.InternalServerError } answer) wrong.Add($"{route} with {Short(template)} = {value}: {(int)answer.Status} {answer.Text}");

                Task<(HttpStatusCode Status, string Text)> Try(string value) =>
                    Ask(owner.Tenant, route, route.Path(prefix => owner.Ids[prefix]), Encoding.UTF8.GetBytes(template.Replace($"\"{Mark}\"", value, StringComparison.Ordinal)));
            }
        }
        Rule.Holds(wrong);
    }

    [Theory]
    [InlineData("text/plain", "{}", 415)]
    [InlineData("application/xml", "<a/>", 415)]
    [InlineData("application/x-www-form-urlencoded", "name=a", 415)]
    [InlineData("multipart/form-data; boundary=x", "--x--", 415)]
    [InlineData(null, "{}", 415)]
    [InlineData("application/json; charset=klingon", "{}", 415)]
    [InlineData("application/json; charset=utf-16", "{}", 415)]
    [InlineData("application/json; charset=utf-7", "{}", 415)]
    [InlineData("application/json; charset=iso-8859-1", "{}", 415)]
    [InlineData("application/json; charset=\"UTF-8\"", "[]", 400)]
    [InlineData("application/json; charset=utf-8", "[]", 400)]
    [InlineData("application/vnd.api+json", "[]", 400)]
    public async Task A_body_is_JSON_in_UTF_8_and_says_so(string? contentType, string body, int status)
    {
        var tenant = await host.AnyTenant();
        var wrong = new List<string>();
        foreach (var route in Routes())
            if (await Ask(tenant, route, route.UnknownPath, Encoding.UTF8.GetBytes(body), contentType) is var answer && (int)answer.Status != status) wrong.Add($"{route}: {(int)answer.Status} {answer.Text}");
        Rule.Holds(wrong);
    }

    [Fact]
    public async Task A_million_levels_or_members_or_elements_are_refused_everywhere()
    {
        const int Million = 1_000_000;
        var tenant = await host.AnyTenant();
        // Within the bound of every route; the rest fits only those that take whole messages.
        byte[] levels = Encoding.ASCII.GetBytes(new string('[', Million));
        byte[][] large =
        [
            Encoding.ASCII.GetBytes(Deep('[', ']', Million)), Encoding.ASCII.GetBytes(Deep('{', '}', Million)),
            Encoding.ASCII.GetBytes("{" + string.Join(',', Enumerable.Range(0, Million).Select(index => $"\"k{index}\":1")) + "}"),
            Encoding.ASCII.GetBytes("{\"metadata\":{" + string.Join(',', Enumerable.Range(0, Million).Select(index => $"\"k{index}\":\"\"")) + "}}"),
            Encoding.ASCII.GetBytes("{\"tags\":[" + string.Join(',', Enumerable.Repeat("[]", Million)) + "]}"),
            Encoding.ASCII.GetBytes("{" + string.Join(',', Enumerable.Repeat("\"subject\":\"a\"", Million)) + "}"),
        ];
        var wrong = new List<string>();
        foreach (var route in Routes())
            foreach (var body in route.Pattern is "/send" or "/diagnose/send" or "/diagnose/authentication" ? [levels, .. large] : new[] { levels })
                if (await Ask(tenant, route, route.UnknownPath, body) is var answer && answer.Status != HttpStatusCode.BadRequest) wrong.Add($"{route} with {body.Length} octets: {(int)answer.Status} {answer.Text}");
        Rule.Holds(wrong);
        await tenant.Send(tenant.Mail("ann@example.net"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate, gzip")]
    public async Task A_compressed_body_is_not_unpacked(string encoding)
    {
        var tenant = await host.AnyTenant();
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.SmallestSize, leaveOpen: true))
            for (var count = 0; count < 100; count++) gzip.Write(Encoding.ASCII.GetBytes(new string(' ', 1 << 20)));
        var wrong = new List<string>();
        foreach (var route in Routes())
        {
            using var request = new HttpRequestMessage(new HttpMethod(route.Method), $"{route.UnknownPath}?tenant={tenant.Id}") { Content = new ByteArrayContent(packed.ToArray()) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
            using var response = await host.Admin.SendAsync(request);
            if (response.StatusCode != HttpStatusCode.BadRequest) wrong.Add($"{route}: {(int)response.StatusCode}");
        }
        Rule.Holds(wrong);
    }

    private List<ApiRoute> Routes()
    {
        var guarded = ApiRoutes.Guarded(host);
        // What has no sample here is asked without a body; a route that takes one says so in its metadata.
        Assert.All(guarded.Where(route => route.Takes is not null), route => Assert.True(ApiRoutes.Bodies.ContainsKey(route.ToString()), $"{route}: give ApiRoutes.Bodies a valid body of it"));
        Assert.All(ApiRoutes.Bodies.Keys, name => Assert.Contains(ApiRoutes.Of(host), route => route.Takes is not null && route.ToString() == name));
        return [.. guarded.Where(route => route.TakesJson)];
    }

    /// <summary>By the operator, who may do everything, for the tenant. Whatever refuses says so as a problem.</summary>
    private async Task<(HttpStatusCode Status, string Text)> Ask(TestTenant tenant, ApiRoute route, string path, byte[] body, string? contentType = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(route.Method), $"{path}?tenant={tenant.Id}") { Content = new ByteArrayContent(body) };
        if (contentType is not null) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        using var response = await host.Admin.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return (response.StatusCode, text);
    }

    private static IEnumerable<(string Name, byte[] Body)> Bodies(string sample)
    {
        var first = JsonNode.Parse(sample)!.AsObject().First();
        var member = $"\"{first.Key}\":{first.Value!.ToJsonString()}";
        var rest = sample.Trim()[1..];
        string[] texts =
        [
            "", " ", "\n", "null", "true", "0", "\"\"", "\"{}\"", "[]", "[{}]", $"[{sample}]", "{", "}", "{\"", "{}{}", sample + sample, sample + "x", sample.TrimEnd()[..^1], sample.TrimEnd()[..^1] + ",}",
            $"{{{member},{rest}", $"{{\"\\u{(int)first.Key[0]:x4}{first.Key[1..]}\":{first.Value!.ToJsonString()},{rest}", $"{{\"unknown\":1,{rest}", $"{{\"{char.ToUpperInvariant(first.Key[0])}{first.Key[1..]}\":1,{rest}",
            $"{{\"\":1,{rest}", $"{{\"\\u0000\":1,{rest}", $"{{\"\\ud800\":1,{rest}", $"{{\"__proto__\":{{}},{rest}", $"{{\"$type\":\"System.Object\",{rest}", $"/* */{sample}", $"{{{member}", "\u00a0{}", "\0", Deep('[', ']', 100_000),
            Deep('{', '}', 20), "{" + string.Concat(Enumerable.Range(0, 20_000).Select(index => $"\"k{index}\":1,")) + rest,
        ];
        foreach (var text in texts) yield return (Short(text), Encoding.UTF8.GetBytes(text));
        yield return ("a BOM alone", [0xEF, 0xBB, 0xBF]);
        yield return ("a BOM before nothing whole", [0xEF, 0xBB, 0xBF, (byte)'{']);
        yield return ("UTF-16", Encoding.Unicode.GetBytes(sample));
        yield return ("UTF-16 with its BOM", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(sample)]);
        yield return ("UTF-32", Encoding.UTF32.GetBytes(sample));
        byte[][] broken = [[0xFF], [0xC3, 0x28], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]];
        foreach (var octets in broken)
        {
            yield return ($"{Convert.ToHexString(octets)} in a value", [.. Encoding.UTF8.GetBytes($"{{\"{first.Key}\":\""), .. octets, .. "\"}"u8]);
            yield return ($"{Convert.ToHexString(octets)} in a name", [.. "{\""u8, .. octets, .. "\":1}"u8]);
        }
    }

    /// <summary>The sample with <see cref="Mark"/> in the place of each of its values in turn.</summary>
    private static IEnumerable<string> Templates(string sample)
    {
        var count = Leaves(JsonNode.Parse(sample)!).Count;
        for (var index = 0; index < count; index++)
        {
            var root = JsonNode.Parse(sample)!;
            Leaves(root)[index].ReplaceWith(Mark);
            yield return root.ToJsonString();
        }
    }

    private static List<JsonNode> Leaves(JsonNode node) => node switch
    {
        JsonObject members => [.. members.Where(member => member.Value is not null).SelectMany(member => Leaves(member.Value!).Append(member.Value!)).Distinct()],
        JsonArray items => [.. items.SelectMany(item => Leaves(item!).Append(item!)).Distinct()],
        _ => [],
    };

    private static string Deep(char open, char close, int levels)
    {
        // An object needs a name on each level.
        var opening = open == '{' ? "{\"a\":" : "[";
        return string.Concat(Enumerable.Repeat(opening, levels)) + (open == '{' ? "1" : "") + new string(close, levels);
    }

    private static string Short(string text) => text.Length <= 160 ? text : $"{text[..160]}… ({text.Length})";
}
