using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Integration.Tests.Security;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Hosting;

public sealed class StoreStartTests(SharedServers servers)
{
    [Fact]
    public async Task A_commit_that_is_not_on_disk_is_told()
    {
        var server = await servers.PostgreSql;
        var connection = server.ConnectionString(await server.CreateDatabaseAsync(CancellationToken.None));

        await using (var durable = await ServiceUnderTest.Start(StoreProvider.PostgreSql, servers))
            Assert.DoesNotContain(durable.Log, line => line.Contains("=off", StringComparison.Ordinal));
        await using var service = await ServiceUnderTest.Start(StoreProvider.PostgreSql, servers, $"--Store:ConnectionString={connection};Options=-c synchronous_commit=off");
        Assert.Contains(service.Log, line => line.Contains("synchronous_commit=off", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_processes_do_not_share_a_file_wherever_their_data_are()
    {
        using var elsewhere = new TempDirectory();
        var store = $"--Store:ConnectionString=Data Source={elsewhere["mail.db"]}";
        await using var first = await ServiceUnderTest.Start(StoreProvider.Sqlite, servers, store);

        var refusal = await Assert.ThrowsAsync<SettingsException>(() => ServiceUnderTest.Start(StoreProvider.Sqlite, servers, store));

        Assert.Contains(elsewhere.Path, refusal.Message, StringComparison.Ordinal);
    }
}
