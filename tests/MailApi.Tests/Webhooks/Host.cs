using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Api;
using MailApi.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailApi.Tests.Webhooks;

/// <summary>The webhook routes on a real server on loopback; the header <c>tenant</c> takes the key's place.</summary>
internal sealed class Host : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly HttpClient http;

    private Host(WebApplication app)
    {
        this.app = app;
        http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public static async Task<Host> Start(WebhooksUnderTest store, TimeProvider clock, WebhookOptions options, Func<string, IPAddress[]> names)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.Configure<RouteOptions>(routes => routes.ConstraintMap[IdRouteConstraint.Name] = typeof(IdRouteConstraint));
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, WebhookJson.Default);
        });
        builder.Services.AddSingleton(clock).AddSingleton(options).AddSingleton(store.Db).AddSingleton(store.Vault);
        builder.Services.AddSingleton<Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>>>((name, _) => Task.FromResult<IReadOnlyList<IPAddress>>(names(name)));
        builder.Services.AddWebhooks().AddWebhookPump();
        var app = builder.Build();
        app.Use(next => context =>
        {
            if (PrefixedId.TryParse<TenantId>(context.Request.Headers["tenant"], out var tenant))
                context.Features.Set(new Caller { TenantOrNone = tenant, Key = null, IsOperator = false, IsTest = false, Scopes = [Scopes.Webhooks], Domains = null });
            return next(context);
        });
        app.MapWebhooks();
        await app.StartAsync();
        return new Host(app);
    }

    /// <summary>Status and JSON of the answer; null where it has no body.</summary>
    public async Task<(HttpStatusCode Status, JsonNode? Json)> Call(TenantId tenant, HttpMethod method, string path, object? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Add("tenant", tenant.ToString());
        using var response = await http.SendAsync(request, ct);
        var text = await response.Content.ReadAsStringAsync(ct);
        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await app.DisposeAsync();
    }
}
