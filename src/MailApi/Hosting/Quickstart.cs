using MailApi.Api;
using MailApi.Domains;
using MailApi.Tenants;

namespace MailApi.Hosting;

/// <summary>
/// Makes the first minute work: an embedded store without tenants is given one, with a domain to send from, and its test key is kept in the
/// data directory, so that each start can print a line that works when pasted. A test key reaches the sandbox and nothing else.
/// </summary>
internal sealed class Quickstart(
    Settings settings, LocalFiles files, OperatorKey operatorKey, TenantRegistry tenants, DomainRegistry domains, Listeners listeners, IHostApplicationLifetime lifetime) : IHostedService
{
    public const string Domain = "mail.demo.example";
    private const string TestKeyFile = "quickstart-test-key";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var adminKey = await operatorKey.Start(cancellationToken);
        var testKey = settings.Store.Provider == StoreProvider.Sqlite ? files.TextOrNull(TestKeyFile) ?? await CreateDemo(cancellationToken) : null;
        lifetime.ApplicationStarted.Register(() => Console.Write(Banner(adminKey, testKey)));
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<string?> CreateDemo(CancellationToken ct)
    {
        if (await tenants.Any(ct)) return null;
        var tenant = await tenants.Create("Demo", IngressRate.Default, delayedAfterSeconds: null, weight: 1, ct);
        await domains.Register(new NewDomain(tenant.Id, Domain, Enum.GetValues<Category>(), SendingRate.Default, Verification.Manual), ct);
        var key = tenant.Keys!.Single(it => it.Mode == KeyMode.Test).Secret!;
        files.Save(TestKeyFile, key);
        return key;
    }

    private string Banner(string? adminKey, string? testKey)
    {
        var address = listeners.PublicAddress;
        var banner = $"MailApi {ApiReference.Version} listens on {address} (reference: {address}/docs) and {listeners.ManagementAddress} (health, metrics).\n";
        if (listeners.Smtp.ToList() is { Count: > 0 } smtp) banner += $"Mail comes in by SMTP: {string.Join(", ", smtp.Select(listener => $"{listener.Name} on {listener.EndPoint}"))}.\n";
        if (adminKey is not null) banner += $"The operator's key, shown this once: {adminKey}\n";
        if (testKey is null || address.Length == 0) return banner;
        return banner + $$"""

            Send a message with the test key; it goes through queue, limits, DKIM and SMTP into the sandbox:

              curl {{address}}/send -H 'Authorization: Bearer {{testKey}}' -H 'Content-Type: application/json' -d '{"from":"Example Shop <orders@{{Domain}}>","to":["Ann <ann@example.net>"],"subject":"Order 1001 is on its way","text":"Your parcel left our warehouse this morning.","category":"notification"}'

            See what arrived:

              curl {{address}}/sandbox/messages -H 'Authorization: Bearer {{testKey}}'


            """;
    }
}
