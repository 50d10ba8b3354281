using System.Diagnostics;
using MailApi.Delivery;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MailApi.Hosting;

/// <summary>Metrics, traces and logs: Prometheus on the management address, and OTLP wherever <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> points.</summary>
internal static class Telemetry
{
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var otlp = !string.IsNullOrEmpty(builder.Configuration[OtlpEndpoint]);
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("mailapi", serviceVersion: ApiReference.Version))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(DeliveryMetrics.Name, "MassTransit", "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                    .AddRuntimeInstrumentation().AddPrometheusExporter();
                if (otlp) metrics.AddOtlpExporter();
            });
        if (!otlp) return;
        telemetry.WithTracing(traces => traces
            .AddSource(DeliveryMetrics.Name, "MassTransit").AddAspNetCoreInstrumentation(http => http.EnrichWithHttpResponse = HideAddresses).AddOtlpExporter());
        builder.Logging.AddOpenTelemetry(logs => logs.AddOtlpExporter());
    }

    /// <summary>A path or query may name a recipient, or hold the token of an unsubscribe link: traces tell the route and no more.</summary>
    private static void HideAddresses(Activity activity, HttpResponse response)
    {
        activity.SetTag("url.path", (response.HttpContext.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText);
        activity.SetTag("url.query", null);
    }
}
