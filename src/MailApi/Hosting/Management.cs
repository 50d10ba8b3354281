using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Limits;
using MailApi.Storage;
using MassTransit;

namespace MailApi.Hosting;

/// <summary>Health and metrics, reachable on the management address only.</summary>
internal static class Management
{
    private static readonly TimeSpan StoreDeadline = TimeSpan.FromSeconds(2);

    public static void Map(IApplicationBuilder management)
    {
        management.UseOpenTelemetryPrometheusScrapingEndpoint("/metrics");
        management.Run(context => context.Request.Path.Value switch
        {
            "/health/live" => Answer(context, StatusCodes.Status200OK, new Health("live", null, null, null)),
            "/health/ready" => Ready(context),
            _ => Problem.NotFound.With("Here are /health/live, /health/ready and /metrics.").ExecuteAsync(context),
        });
    }

    /// <summary>Dead without the store; without the broker or Redis degraded, since mail is still accepted and goes out later.</summary>
    private static async Task Ready(HttpContext context)
    {
        var store = await StoreAnswers(context) ? "up" : "down";
        var bus = context.RequestServices.GetRequiredService<IBusControl>().CheckHealth().Status == BusHealthStatus.Healthy ? "up" : "down";
        var limits = context.RequestServices.GetService<ISendLimiter>() is RedisSendLimiter { IsAway: true } ? "local" : "up";
        var status = store == "down" ? "down" : bus == "down" || limits != "up" ? "degraded" : "ready";
        await Answer(context, store == "down" ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK, new Health(status, store, bus, limits));
    }

    private static async Task<bool> StoreAnswers(HttpContext context)
    {
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            deadline.CancelAfter(StoreDeadline);
            // The driver itself goes on waiting for a server that is silent.
            await context.RequestServices.GetRequiredService<Db>().Query("select now_ms()", row => row.GetInt64(0), deadline.Token).WaitAsync(deadline.Token);
            return true;
        }
        catch (Exception e) when (e is DbException or OperationCanceledException)
        {
            return false;
        }
    }

    private static Task Answer(HttpContext context, int status, Health health)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, health, HealthJson.Default.Health, context.RequestAborted);
    }
}

/// <param name="Status"><c>ready</c>, <c>degraded</c> (mail is accepted, something is slower or later), <c>down</c>, <c>live</c>.</param>
internal sealed record Health(string Status, string? Store, string? Bus, string? Limits);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Health))]
internal sealed partial class HealthJson : JsonSerializerContext;
