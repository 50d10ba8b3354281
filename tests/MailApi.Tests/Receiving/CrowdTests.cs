using MailApi.Hosting;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

/// <summary>S-27: clients of the SMTP listeners that come in crowds, never finish, or try keys.</summary>
public sealed class CrowdTests : IAsyncLifetime
{
    private const int PerAddress = 8;

    /// <summary>Far above what an answer takes on a busy machine, far below what waiting for a slow client would.</summary>
    private static readonly TimeSpan HealthyMax = TimeSpan.FromSeconds(10);

    private readonly TestHost host = new()
    {
        Settings = ["Receive:ConnectionsMax=12", $"Receive:ConnectionsPerAddressMax={PerAddress}", "Receive:LoginFailuresMax=2"],
    };

    public ValueTask InitializeAsync() => host.InitializeAsync();

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task One_address_has_so_many_sessions_and_the_next_is_told_until_one_ends()
    {
        var open = new List<SmtpCaller>();
        try
        {
            for (var count = 0; count < PerAddress; count++)
            {
                open.Add(await host.Stranger());
                Assert.StartsWith("220 ", open[^1].Greeting, StringComparison.Ordinal);
            }
            await using (var refused = await host.Stranger())
            {
                Assert.StartsWith("421 4.7.0 Too many connections from your address", refused.Greeting, StringComparison.Ordinal);
                Assert.Null(await refused.Read());
            }
            // Another listener has places of its own.
            await using (var caller = await host.Caller()) Assert.StartsWith("250 ", await caller.Ask("NOOP"), StringComparison.Ordinal);

            Assert.StartsWith("221 ", await open[0].Ask("QUIT"), StringComparison.Ordinal);
            await Eventually.HoldsAsync(async () =>
            {
                await using var next = await host.Stranger();
                return next.Greeting?.StartsWith("220 ", StringComparison.Ordinal) == true;
            }, TimeSpan.FromSeconds(60), "the place of the one that left is free", CancellationToken.None);
        }
        finally
        {
            foreach (var one in open) await one.DisposeAsync();
        }
    }

    [Fact]
    public async Task Clients_that_say_nothing_or_shake_no_hand_delay_no_other()
    {
        var tenant = await host.AnyTenant();
        var silent = new List<SmtpCaller>();
        try
        {
            for (var count = 0; count < PerAddress - 1; count++)
            {
                silent.Add(await SmtpCaller.Open(host.SmtpPort(Listeners.SubmissionTlsName)));
                silent.Add(await SmtpCaller.Open(host.SmtpPort(Listeners.SubmissionName)));
                await silent[^1].Write("EHLO slow");
            }
            var started = TimeProvider.System.GetTimestamp();
            await using var caller = await host.Caller();
            await caller.Login(tenant.LiveKey);
            Assert.StartsWith("250 ", await caller.Send($"From: orders@{tenant.Domain}\r\n\r\nIt left.\r\n", "ann@example.net"), StringComparison.Ordinal);
            Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, HealthyMax);
        }
        finally
        {
            foreach (var one in silent) await one.DisposeAsync();
        }
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task An_address_that_tries_keys_has_to_wait_with_the_right_one_too()
    {
        var tenant = await host.AnyTenant();
        await using (var trier = await host.Caller())
        {
            Assert.StartsWith("535 5.7.8", await trier.Login("mk_live_wrong"), StringComparison.Ordinal);
            Assert.StartsWith("535 5.7.8", await trier.Login("mk_live_wrong"), StringComparison.Ordinal);
            Assert.StartsWith("421 4.7.0 Too many failed logins from your address", await trier.Login("mk_live_wrong"), StringComparison.Ordinal);
            Assert.Null(await trier.Read());
        }
        await using var caller = await host.Caller();
        Assert.StartsWith("421 4.7.0 Too many failed logins from your address", await caller.Login(tenant.LiveKey), StringComparison.Ordinal);
    }
}
