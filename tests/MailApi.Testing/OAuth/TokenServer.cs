using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MailApi.Testing;

/// <summary>
/// A token endpoint (RFC 6749 §3.2) on loopback for one client, by client credentials or refresh token, which remembers what it has issued. Beside it
/// stands an introspection of tokens, as Dovecot asks for it.
/// </summary>
public sealed class TokenServer : IAsyncDisposable
{
    public const string ClientId = "client-1";
    public const string ClientSecret = "client secret / with + signs";

    private readonly Lock _lock = new();
    private readonly List<IReadOnlyDictionary<string, string>> _requests = [];
    private readonly HashSet<string> _live = [];
    private readonly Queue<(int Status, string Body)> _next = new();
    private WebApplication? _app;
    private int _issued;

    private TokenServer()
    {
    }

    public int Port { get; } = FreePort.Next();
    public string Url => $"http://127.0.0.1:{Port}/token";
    public string IntrospectionUrl => $"http://127.0.0.1:{Port}/introspect?token=";

    /// <summary>Whose tokens these are, to those who introspect.</summary>
    public string User { get; init; } = "shop@relay.test";

    /// <summary>Told as expires_in; null leaves it out.</summary>
    public TimeSpan? Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Each refresh token serves once, and its answer holds the next.</summary>
    public bool Rotates { get; set; }

    /// <summary>The one that is valid.</summary>
    public string RefreshToken { get; private set; } = "refresh-0";

    /// <summary>Answers wait for it.</summary>
    public TaskCompletionSource? Gate { get; set; }

    /// <summary>The forms that came, in order.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Requests
    {
        get
        {
            lock (_lock) return [.. _requests];
        }
    }

    public static async Task<TokenServer> StartAsync(string? user = null)
    {
        var server = user is null ? new TokenServer() : new TokenServer { User = user };
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, server.Port));
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Run(server.HandleAsync);
        await app.StartAsync();
        server._app = app;
        return server;
    }

    /// <summary>Whether the token was issued and not revoked since.</summary>
    public bool Accepts(string token)
    {
        lock (_lock) return _live.Contains(token);
    }

    /// <summary>No token that was issued so far is accepted any more.</summary>
    public void RevokeAll()
    {
        lock (_lock) _live.Clear();
    }

    /// <summary>The refresh token is another from now on.</summary>
    public void Reauthorise(string refreshToken) => RefreshToken = refreshToken;

    /// <summary>Answers one request with this in place of a token.</summary>
    public void AnswerNext(int status, string body)
    {
        lock (_lock) _next.Enqueue((status, body));
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is null) return;
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var (status, body) = context.Request.Path == "/introspect" ? (200, Introspect(context.Request.Query["token"]!)) : await IssueAsync(context);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    private string Introspect(string token) => Accepts(token) ? $$"""{"active":true,"email":"{{User}}"}""" : """{"active":false}""";

    private async Task<(int, string)> IssueAsync(HttpContext context)
    {
        var form = (await context.Request.ReadFormAsync(context.RequestAborted)).ToDictionary(field => field.Key, field => field.Value.ToString());
        lock (_lock) _requests.Add(form);
        if (Gate is { } gate) await gate.Task.WaitAsync(context.RequestAborted);
        lock (_lock)
        {
            if (_next.TryDequeue(out var answer)) return answer;
            if (form.GetValueOrDefault("client_id") != ClientId || form.GetValueOrDefault("client_secret") != ClientSecret) return (401, """{"error":"invalid_client"}""");
            var refreshes = form.GetValueOrDefault("grant_type") == "refresh_token";
            if (!refreshes && form.GetValueOrDefault("grant_type") != "client_credentials") return (400, """{"error":"unsupported_grant_type"}""");
            if (refreshes && form.GetValueOrDefault("refresh_token") != RefreshToken) return (400, """{"error":"invalid_grant","error_description":"Token has been expired or revoked."}""");
            var token = $"access-{++_issued}";
            _live.Add(token);
            if (refreshes && Rotates) RefreshToken = $"refresh-{_issued}";
            var expires = Lifetime is { } lifetime ? $",\"expires_in\":{lifetime.TotalSeconds.ToString(CultureInfo.InvariantCulture)}" : "";
            var rotated = refreshes && Rotates ? $",\"refresh_token\":\"{RefreshToken}\"" : "";
            return (200, $"{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\"{expires}{rotated}}}");
        }
    }
}
