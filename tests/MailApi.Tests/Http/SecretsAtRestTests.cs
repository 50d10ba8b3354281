using System.Buffers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Storage;
using MailApi.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Http;

/// <summary>S-29: a copy of the disk gives away the keys that sign mail and webhooks, or lets one tenant's key sign another's mail.</summary>
public sealed class SecretsAtRestTests(TestHost host)
{
    private readonly Db db = host.Services.GetRequiredService<Db>();

    [Fact]
    public async Task The_data_directory_holds_no_private_key_and_no_webhook_secret()
    {
        var tenant = await host.NewTenant();
        var made = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/webhooks", new { url = "http://127.0.0.1:1/hook", events = new[] { "domain.failing" } }));
        using var rotated = await tenant.Live.PostAsync($"/webhooks/{made.GetProperty("id").GetString()}/rotate-secret", null);
        await tenant.WaitFor(await tenant.Send(tenant.Mail("ann@example.net")), "delivered");

        var (id, sealedKey) = await SealedKey(tenant);
        var pkcs8 = host.Services.GetRequiredService<Vault>().Open(sealedKey, "dkim_keys", id, "private_key");
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(pkcs8, out _);
        var secrets = rsa.ExportParameters(includePrivateParameters: true);
        byte[][] parts = [secrets.D!, secrets.P!, secrets.Q!, secrets.DP!, secrets.DQ!, secrets.InverseQ!];
        string[] texts =
        [
            .. parts.Select(part => DataFiles.Text(part.AsSpan(0, 16))), .. parts.Select(part => Convert.ToHexString(part.AsSpan(0, 16))), .. parts.Select(part => Convert.ToHexStringLower(part.AsSpan(0, 16))),
            .. Lines(Convert.ToBase64String(pkcs8)[60..]), .. Lines(Convert.ToBase64String(rsa.ExportRSAPrivateKey())[400..]), "PRIVATE KEY-----",
            .. Forms(made.GetProperty("secret").GetString()!), .. Forms((await TestHost.Json(rotated)).GetProperty("secret").GetString()!), "whsec_",
        ];
        // The key of the certificate that the listeners made themselves proves nothing to anyone; it lies there as the key-encryption key does, for its owner alone.
        Assert.Equal(["smtp-certificate-key.pem"], DataFiles.Containing(host.DataDirectory, SearchValues.Create(texts, StringComparison.Ordinal)).Select(Path.GetFileName));
        Assert.NotEmpty(DataFiles.Containing(host.DataDirectory, SearchValues.Create([DataFiles.Text(sealedKey)], StringComparison.Ordinal)));

        static string[] Forms(string secret) => [secret["whsec_".Length..], DataFiles.Text(Convert.FromBase64String(secret["whsec_".Length..]))];
        static IEnumerable<string> Lines(string base64) => base64.Chunk(64).Where(line => line.Length == 64).Select(line => new string(line));
    }

    [Fact]
    public async Task A_sealed_key_moved_to_another_row_signs_nothing()
    {
        var (first, second) = (await host.NewTenant(), await host.NewTenant());
        var ((firstId, firstKey), (secondId, secondKey)) = (await SealedKey(first), await SealedKey(second));
        await Put(firstId, secondKey);
        await Put(secondId, firstKey);

        var recipients = new[] { $"ann.{Guid.NewGuid():N}@example.net", $"ann.{Guid.NewGuid():N}@example.net" };
        var ids = new[] { await first.Send(first.Mail(recipients[0])), await second.Send(second.Mail(recipients[1])) };
        foreach (var (tenant, id) in new[] { (first, ids[0]), (second, ids[1]) })
            await Eventually.HoldsAsync(async () => (await tenant.Live.GetStringAsync($"/messages/{id}")).Contains(nameof(AuthenticationTagMismatchException), StringComparison.Ordinal), TimeSpan.FromSeconds(60), $"{id} fails", CancellationToken.None);
        Assert.DoesNotContain(host.Sink.Messages, message => recipients.Contains(message.Recipient));

        // Back in their places they sign again, each for its own domain.
        await Put(firstId, firstKey);
        await Put(secondId, secondKey);
        await first.WaitFor(ids[0], "delivered");
        await second.WaitFor(ids[1], "delivered");
        foreach (var (tenant, recipient) in new[] { (first, recipients[0]), (second, recipients[1]) })
        {
            var arrived = await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
            var record = await tenant.DkimRecord();
            var verdict = Assert.Single(await Verifier.Verify(arrived.Bytes, (_, _, _) => Task.FromResult<string?>(record), CancellationToken.None));
            Assert.Equal((AuthenticationResult.Pass, tenant.Domain), (verdict.Result, verdict.Domain));
        }
    }

    [Fact]
    public async Task A_sealed_webhook_secret_moved_to_another_row_signs_nothing()
    {
        var tenant = await host.NewTenant();
        await using var endpoint = await WebhookReceiver.StartAsync();
        var ids = new List<WebhookId>();
        foreach (var _ in new[] { 1, 2 })
        {
            var made = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/webhooks", new { url = endpoint.Url, events = new[] { "domain.failing" } }));
            Assert.True(PrefixedId.TryParse<WebhookId>(made.GetProperty("id").GetString(), out var id));
            ids.Add(id);
        }
        await db.Execute("update webhooks set secret = (select secret from webhooks where id = @other) where id = @id", CancellationToken.None, ("id", ids[0].Value), ("other", ids[1].Value));
        await TestHost.Json(await tenant.Live.PostAsync($"/webhooks/{ids[0]}/test", null));
        await TestHost.Json(await tenant.Live.PostAsync($"/webhooks/{ids[1]}/test", null));
        JsonElement delivery = default;
        await Eventually.HoldsAsync(async () =>
        {
            delivery = (await TestHost.Json(await tenant.Live.GetAsync($"/webhooks/{ids[0]}/deliveries"))).GetProperty("items")[0];
            return delivery.GetProperty("tries").GetInt32() > 0;
        }, TimeSpan.FromSeconds(60), "the delivery was tried", CancellationToken.None);
        Assert.Equal("The service could not prepare this delivery.", delivery.GetProperty("lastError").GetString());
        await endpoint.WaitForCount(1, TimeSpan.FromSeconds(60));
        Assert.Single(endpoint.Received);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task Only_the_owner_of_the_process_can_read_what_it_keeps()
    {
        using var directory = new TempDirectory();
        var data = directory["made-by-the-service"];
        await using (var app = Build(data))
        {
            await app.StartAsync();
            await app.StopAsync();
        }
        const UnixFileMode others = (UnixFileMode)0b000_111_111;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(data) & others);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(data, "key-encryption-key")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(host.DataDirectory, "key-encryption-key")));
        Assert.Equal(Vault.KeyBytes, Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(data, "key-encryption-key"))).Length);

        // Another key opens nothing, so the service does not start with one.
        await using var other = Build(data, "--Secrets:KeyEncryptionKey=" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(Vault.KeyBytes)));
        var refusal = await Assert.ThrowsAsync<SettingsException>(() => other.StartAsync());
        Assert.Contains("Secrets__KeyEncryptionKey", refusal.Message, StringComparison.Ordinal);
    }

    private static Microsoft.AspNetCore.Builder.WebApplication Build(string data, params string[] more) => MailApiHost.Build(
        ["--Urls=http://127.0.0.1:0", "--Management:Urls=http://127.0.0.1:0", $"--DataDirectory={data}", $"--Admin:Key={TestHost.AdminKey}", .. more]);

    private async Task<(Guid Id, byte[] Sealed)> SealedKey(TestTenant tenant)
    {
        Assert.True(PrefixedId.TryParse<DomainId>(tenant.DomainId, out var domain));
        return Assert.Single(await db.Query("select id, private_key from dkim_keys where domain_id = @domain", row => (row.GetGuid(0), row.Bytes(1)), CancellationToken.None, ("domain", domain.Value)));
    }

    private Task<int> Put(Guid id, byte[] sealedKey) => db.Execute("update dkim_keys set private_key = @key where id = @id", CancellationToken.None, ("id", id), ("key", sealedKey));
}
