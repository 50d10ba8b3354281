using System.Globalization;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Worker_killed_in_data(Worlds worlds)
{
    private const int Waiting = 50;

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task After_a_kill_9_all_that_was_acknowledged_arrives_and_what_had_no_reply_yet_is_sent_again_and_flagged(Mode mode)
    {
        var port = FreePort.Next();
        await using var world = await worlds.Own(mode, new() { ["Receive__Submission"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}") });
        var shop = await world.NewShop();
        var id = await shop.Send(shop.Mail("hold-dot-1@example.net"));
        await world.Sink.WaitForHeld(1, World.Patience);
        world.Sink.Pause();
        var waiting = await Task.WhenAll(Enumerable.Range(0, Waiting).Select(index => shop.Send(shop.Mail($"r{index}@example.net"))));
        await using (var caller = await SmtpCaller.Connect(port))
        {
            await caller.Secure();
            Assert.StartsWith("235 ", await caller.Login(shop.Live.DefaultRequestHeaders.Authorization!.Parameter!), StringComparison.Ordinal);
            Assert.StartsWith("250 2.0.0 msg_", await caller.Send($"From: orders@{shop.Domain}\r\n\r\nIt left.\r\n", "smtp0@example.net", "smtp1@example.net"), StringComparison.Ordinal);
        }
        await world.Api.Kill9Async();
        world.Sink.ReleaseHeld();
        world.Sink.Resume();
        await world.Api.StartAgainAsync(CancellationToken.None);

        // A node is silent for 30 s before another takes its leases; the one process of the embedded mode need not wait.
        await shop.WaitForAll([.. waiting, id], "delivered", TimeSpan.FromSeconds(120));
        Assert.True((await shop.Message(id)).GetProperty("recipients")[0].GetProperty("duplicatePossible").GetBoolean());
        var copies = world.Sink.Messages.Where(it => it.Recipient == "hold-dot-1@example.net").ToList();
        Assert.Equal(2, copies.Count);
        Assert.Single(copies.Select(it => it.MessageId).Distinct());
        foreach (var recipient in (string[])["smtp0@example.net", "smtp1@example.net"]) await world.Sink.WaitFor(recipient, World.Patience);
        Assert.Equal(Waiting + 2, world.Sink.Messages.Except(copies).Select(it => it.Recipient).Distinct().Count());
        Assert.Equal(Waiting + 2, world.Sink.Count - copies.Count);
    }

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task With_onUncertain_hold_no_second_copy_is_risked(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var recipient = $"lost-250-{Guid.NewGuid():N}@example.net";
        var mail = shop.Mail(recipient);
        mail["onUncertain"] = "hold";
        var id = await shop.Send(mail);
        await shop.WaitFor(id, "unknown");
        await shop.WaitForWebhook("message.unknown", id);
        Assert.Single(world.Sink.Messages, it => it.Recipient == recipient);
    }
}
