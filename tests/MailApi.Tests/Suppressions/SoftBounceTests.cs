using MailApi.Storage;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Tests.Suppressions;

/// <summary>What a receiver puts off until the lifetime ends counts against the mailbox, where its words speak of the mailbox.</summary>
public sealed class SoftBounceTests : IAsyncLifetime
{
    private readonly TestHost host = new() { Settings = ["Categories:notification:Lifetime=00:00:02", "Categories:notification:RetryDelays:0=00:00:01"] };

    public ValueTask InitializeAsync() => host.InitializeAsync();

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Theory, InlineData("overquota.ann@example.net", 1), InlineData("451.ann@example.net", 0)]
    [Trait("Takes", "seconds")]
    public async Task A_full_mailbox_counts_though_its_refusal_was_temporary(string recipient, int counted)
    {
        var tenant = await host.NewTenant();
        await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "expired");
        Assert.Equal([counted], await host.Services.GetRequiredService<Db>().Query(
            "select count(*) from soft_bounces where address = @address", row => row.GetInt32(0), CancellationToken.None, ("address", recipient)));
    }
}
