using System.Net;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Flood_and_tarpit_leave_others_alone(Worlds worlds)
{
    private const int Messages = 80, Recipients = 50, QuietMessages = 10, Stuck = 100;

    /// <summary>Mail of others that may go first: what is on its way to the wire when a message is accepted, and what passes while it is claimed.</summary>
    private const int OthersFirstMax = 100;

    [Theory(DisableParallelization = true), InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task A_quiet_tenants_mail_waits_for_a_few_of_a_floods_and_for_none_of_a_tarpit(Mode mode)
    {
        var world = await worlds.Shared(mode);
        await using var slow = ScriptedSink.Start(new SinkOptions { EndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.22"), world.Sink.Port), TarpitDelay = TimeSpan.FromSeconds(4) });
        world.Dns.Mx("slow.test", 10, "mx.slow.test").A("mx.slow.test", "127.0.0.22");
        var (stuck, flood, quiet) = (await world.NewShop(webhook: false), await world.NewShop(webhook: false), await world.NewShop(webhook: false));
        await quiet.WaitFor(await quiet.Send(quiet.Mail($"first.{quiet.Domain}@example.net")), "delivered");

        await stuck.Send(stuck.Mail([.. Enumerable.Range(0, Stuck).Select(index => $"tarpit-{index}@slow.test")]));
        foreach (var message in Enumerable.Range(0, Messages))
            await flood.Send(flood.Mail([.. Enumerable.Range(0, Recipients).Select(index => $"{message}-{index}.{flood.Domain}@example.net")]));
        await Eventually.HoldsAsync(() => Flooded() > Recipients, World.Patience, "the flood flows", CancellationToken.None);

        var waited = new List<int>();
        foreach (var index in Enumerable.Range(0, QuietMessages))
        {
            var address = $"quiet{index}.{quiet.Domain}@example.net";
            await quiet.Send(quiet.Mail(address));
            var before = Flooded();
            await Eventually.HoldsAsync(() => world.Sink.Messages.Any(it => it.Recipient == address), World.Patience, "it arrives", CancellationToken.None);
            waited.Add(world.Sink.Messages.TakeWhile(it => it.Recipient != address).Count(IsFlood) - before);
        }

        Assert.True(waited.TrueForAll(others => others <= OthersFirstMax), $"of the flood came first: {string.Join(", ", waited)}");
        Assert.True(Flooded() < Messages * Recipients, "the flood was over before the quiet tenant's last message: the test shows nothing");
        Assert.True(slow.Messages.Count < Stuck, "the tarpit was over before the quiet tenant's last message: the test shows nothing");

        int Flooded() => world.Sink.Messages.Count(IsFlood);

        bool IsFlood(SinkMessage message) => message.Recipient.EndsWith($".{flood.Domain}@example.net", StringComparison.Ordinal);
    }
}
