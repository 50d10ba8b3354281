using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MailApi.Integration.Tests.Security;

/// <summary>
/// Takes what a program exports by OTLP over gRPC, the default of its SDK, and keeps the octets: protobuf, in which every text stands as it is.
/// </summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Signal, string Octets)> taken = new();
    private readonly WebApplication app;

    private Collector(WebApplication app) => this.app = app;

    public string Address => app.Urls.Single();

    public static async Task<Collector> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http2));
        var collector = new Collector(builder.Build());
        collector.app.Run(collector.Take);
        await collector.app.StartAsync();
        return collector;
    }

    /// <summary>What came of one signal: <c>trace</c>, <c>metrics</c> or <c>logs</c>.</summary>
    public IReadOnlyList<string> Of(string signal) => [.. taken.Where(it => it.Signal == signal).Select(it => it.Octets)];

    public ValueTask DisposeAsync() => app.DisposeAsync();

    /// <summary><c>/opentelemetry.proto.collector.{signal}.v1.{Signal}Service/Export</c>; the answer is a message without a field.</summary>
    private async Task Take(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        taken.Enqueue((context.Request.Path.Value!.Split('.')[3], Encoding.Latin1.GetString(body.ToArray())));
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
