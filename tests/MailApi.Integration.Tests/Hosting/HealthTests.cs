using System.Net;
using System.Text.Json;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Integration.Tests.Security;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Hosting;

public sealed class HealthTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task While_the_store_is_away_ready_answers_503_and_names_it_and_live_stays_200()
    {
        var server = await servers.PostgreSql;
        await using var way = TcpProxy.Start(server.Port);
        var store = server.ConnectionString(await server.CreateDatabaseAsync(Ct)).Replace($"Port={server.Port}", $"Port={way.Port}", StringComparison.Ordinal);
        await using var service = await ServiceUnderTest.Start(StoreProvider.Sqlite, servers, "--Store:Provider=PostgreSql", $"--Store:ConnectionString={store}");
        using var http = new HttpClient { BaseAddress = service.Management };
        // The bus starts beside the listeners.
        await Eventually.HoldsAsync(async () => await Ready(http) == (HttpStatusCode.OK, "ready", "up", "up", "up"), Patience, "the service is ready", Ct);

        await way.RefuseAsync();
        way.Reset();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "down", "down", "up", "up"), await Ready(http));
        using var live = await http.GetAsync("/health/live", Ct);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);

        way.Accept();
        await Eventually.HoldsAsync(async () => await Ready(http) == (HttpStatusCode.OK, "ready", "up", "up", "up"), Patience, "the service is ready again", Ct);

        // Silent, not gone: the question has a deadline of its own.
        way.Hold();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "down", "down", "up", "up"), await Ready(http).WaitAsync(TimeSpan.FromSeconds(20)));
        way.Release();
        await Eventually.HoldsAsync(async () => (await Ready(http)).Status == HttpStatusCode.OK, Patience, "the service is ready again", Ct);
    }

    private static async Task<(HttpStatusCode Status, string? Says, string? Store, string? Bus, string? Limits)> Ready(HttpClient http)
    {
        using var response = await http.GetAsync("/health/ready", Ct);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        var health = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct)).RootElement;
        return (response.StatusCode, Text("status"), Text("store"), Text("bus"), Text("limits"));

        string? Text(string name) => health.GetProperty(name).GetString();
    }
}
