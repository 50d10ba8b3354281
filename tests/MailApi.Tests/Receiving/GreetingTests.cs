using MailApi.Hosting;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

public sealed class GreetingTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Timers are not as exact as clocks.</summary>
    private static readonly TimeSpan Paused = TimeSpan.FromSeconds(4);

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task On_port_25_whoever_speaks_before_the_greeting_is_no_mail_server()
    {
        // Long enough for a client to be the first to speak, also on a busy machine.
        await using var host = new TestHost { Settings = ["Receive:GreetingPause=00:00:03"] };
        await host.InitializeAsync();
        await using var hasty = await SmtpCaller.Open(host.SmtpPort(Listeners.SmtpName));
        await hasty.Write("EHLO hasty.test\r\n");
        Assert.StartsWith("554 5.5.0", await hasty.Read(), StringComparison.Ordinal);
        Assert.Null(await hasty.Read());
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Who_has_brought_a_bounce_is_greeted_at_once_the_next_time()
    {
        await using var host = new TestHost { Settings = [$"Receive:GreetingPause={Pause}"] };
        await host.InitializeAsync();
        var tenant = await host.NewTenant();
        await tenant.Send(tenant.Mail("ann@example.net"));
        var sent = await host.Sink.WaitFor("ann@example.net", TimeSpan.FromSeconds(60));

        Assert.True(await UntilGreeted(caller => caller.Send(Answers.Bounce("nobody@" + sent.MailFrom.Split('@')[1], sent.Recipient, sent.MessageId), "nobody@" + sent.MailFrom.Split('@')[1]), "550 ") > Paused);
        Assert.True(await UntilGreeted(caller => caller.Send(Answers.Bounce(sent.MailFrom, sent.Recipient, sent.MessageId), sent.MailFrom), "250 ") > Paused);
        Assert.True(await UntilGreeted(caller => caller.Ask("QUIT"), "221 ") < Paused);

        async Task<TimeSpan> UntilGreeted(Func<SmtpCaller, Task<string>> say, string expected)
        {
            var began = TimeProvider.System.GetTimestamp();
            await using var caller = await host.Stranger();
            var waited = TimeProvider.System.GetElapsedTime(began);
            await caller.Ask("EHLO mx.example.net");
            Assert.StartsWith(expected, await say(caller), StringComparison.Ordinal);
            return waited;
        }
    }
}
