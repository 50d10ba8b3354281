using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;
using MailApi.Api;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Http;

/// <summary>A route of the running program and a method that it takes.</summary>
/// <param name="Required">Null where anyone may call it.</param>
/// <param name="Takes">The media type of its body; null where it takes none.</param>
/// <param name="Name">Of the operation.</param>
internal sealed partial record ApiRoute(string Method, string Pattern, RequiredScope? Required, string? Takes, string? Name)
{
    public bool TakesJson => Takes == "application/json";

    /// <summary>The ids in its path by their prefix: <c>ten_</c>, <c>key_</c>.</summary>
    public IReadOnlyList<string> Prefixes => [.. Id().Matches(Pattern).Select(match => match.Groups["prefix"].Value)];

    public bool IsForOperators => Required?.Scope == Scopes.Operator;

    public string Path(Func<string, string> idOf) => Id().Replace(Pattern, match => idOf(match.Groups["prefix"].Value)).Replace("{selector}", "ma1", StringComparison.Ordinal)
        .Replace("{address}", "ann@example.net", StringComparison.Ordinal);

    /// <summary>A path to things that do not exist.</summary>
    public string UnknownPath => Path(prefix => prefix + Guid.CreateVersion7().ToString("N"));

    /// <summary>With the body from <see cref="ApiRoutes.Bodies"/> that the route takes.</summary>
    public HttpRequestMessage Request(string path)
    {
        var request = new HttpRequestMessage(new HttpMethod(Method), path);
        if (Takes is not null) request.Content = new StringContent(ApiRoutes.Bodies[ToString()], Encoding.UTF8, Takes);
        return request;
    }

    /// <summary><c>PATCH /domains/{dom_}</c>.</summary>
    public override string ToString() => $"{Method} {Id().Replace(Pattern, "{${prefix}}")}";

    [GeneratedRegex(@"\{\w+:id\((?<prefix>\w+)\)\}")]
    private static partial Regex Id();
}

/// <summary>Every route, from the program itself, so that none can be added without passing the tests of all.</summary>
internal static class ApiRoutes
{
    private const string Message = """
        {"from":"Shop <orders@nobody.example>","to":["Ann <ann@example.net>"],"cc":["b@example.net"],"bcc":["c@example.net"],"replyTo":["d@example.net"],
         "subject":"Hello","text":"Hello","html":"<p>Hello</p>","category":"notification","headers":{"X-Order":"1"},"tags":["a"],"metadata":{"order":"1"},
         "attachments":[{"filename":"a.pdf","contentType":"application/pdf","content":"JVBERg==","contentId":"a"}],"sendAt":"2020-01-01T00:00:00Z","onUncertain":"retry"}
        """;

    /// <summary>A valid body for every route that takes one. That of <c>POST /send</c> names a domain that nobody has: nothing is sent.</summary>
    public static readonly FrozenDictionary<string, string> Bodies = new Dictionary<string, string>
    {
        ["POST /diagnose/send"] = Message,
        ["POST /send"] = Message,
        ["POST /domains/{dom_}/reports"] = "<feedback/>",
        ["POST /reports/{token}"] = "{}",
        ["POST /receive"] = "Subject: Hello\r\n\r\nHello\r\n",
        ["POST /tenants"] = """{"name":"Shop","ingressRate":{"perSecond":1,"burst":1},"delayedAfterSeconds":60}""",
        ["PATCH /tenants/{ten_}"] = """{"name":"Shop","delayedAfterSeconds":86400}""",
        ["POST /tenants/{ten_}/keys"] = """
            {"name":"k","mode":"test","scopes":["read"],"domains":["a.example"],"networks":["192.0.2.0/24"],"defaultCategory":"support","expiresAt":"2999-01-01T00:00:00Z"}
            """,
        // Taken from the second time on: 409, without the cost of a key pair.
        ["POST /domains"] = """{"name":"routes.sample.example","categories":["support"],"rate":{"perSecond":1,"burst":1},"verification":"dns"}""",
        ["PATCH /domains/{dom_}"] = """{"categories":["marketing","notification","support"],"rate":{"perSecond":10000,"burst":10000}}""",
        ["POST /domains/{dom_}/dkim/import"] = """{"selector":"own","privateKey":"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"}""",
        ["POST /diagnose/authentication"] = """{"clientIp":"192.0.2.1","helo":"mx.example.net","mailFrom":"a@nowhere.invalid","message":"From: a@nowhere.invalid\r\n\r\nHello\r\n"}""",
        ["POST /suppressions"] = """{"address":"gone@example.net","category":"support","reason":"manual"}""",
        ["POST /suppressions/{sup_}/override"] = """{"reason":"She asked for it."}""",
        ["PUT /topics"] = """{"items":[{"name":"weekly","title":"Weekly news","titleZh":"每周新闻"}]}""",
        ["PUT /recipients/{address}/preferences"] = """{"categories":{"marketing":true}}""",
        ["POST /webhooks"] = """{"url":"http://127.0.0.1:1/hook","events":["message.opened"]}""",
        ["PATCH /webhooks/{whk_}"] = """{"url":"http://127.0.0.1:1/hook","events":["message.opened"],"enabled":true}""",
        ["POST /webhooks/{whk_}/replay"] = """{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z","state":"failed"}""",
        ["POST /relays"] = """{"name":"Relay","host":"127.0.0.1","port":1,"tls":"startTls","auth":"plain","username":"shop","password":"secret","priority":1,"weight":2,"limits":{"perSecond":1,"burst":1,"connections":1,"messagesPerConnection":1},"category":"support","enabled":false}""",
        ["PATCH /relays/{rly_}"] = """{"name":"Relay","port":1,"enabled":false}""",
        ["PUT /domains/{dom_}/mailbox"] = """{"protocol":"imap","host":"127.0.0.1","port":1,"tls":"startTls","auth":"password","username":"shop","password":"secret","folder":"INBOX","after":"move","moveTo":"Processed"}""",
        // Of a time before there was any mail.
        ["POST /queue/release"] = """{"acceptedFrom":"1999-01-01T00:00:00Z","acceptedBefore":"1999-01-02T00:00:00Z"}""",
        ["POST /queue/discard"] = """{"acceptedFrom":"1999-01-01T00:00:00Z","acceptedBefore":"1999-01-02T00:00:00Z"}""",
        ["POST /queue/suspend"] = """{"site":"nowhere.invalid"}""",
        ["POST /queue/resume"] = """{"site":"nowhere.invalid"}""",
        ["POST /queue/flush"] = """{"site":"nowhere.invalid"}""",
    }.ToFrozenDictionary();

    public static IReadOnlyList<ApiRoute> Of(TestHost host) =>
    [
        .. from endpoint in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
           select new ApiRoute(
               method, "/" + endpoint.RoutePattern.RawText!.Trim('/'), endpoint.Metadata.GetMetadata<RequiredScope>(),
               endpoint.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes[0], endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName),
    ];

    /// <summary>Those that ask for a key.</summary>
    public static IReadOnlyList<ApiRoute> Guarded(TestHost host) => [.. Of(host).Where(route => route.Required is not null)];
}
