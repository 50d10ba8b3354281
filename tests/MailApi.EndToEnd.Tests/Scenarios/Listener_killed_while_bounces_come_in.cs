using System.Collections.Concurrent;
using System.Globalization;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

[Trait("Takes", "minutes")]
public sealed class Listener_killed_while_bounces_come_in(Worlds worlds)
{
    private const int Bounces = 400;
    private const int BeforeKill = 100;
    private const int Connections = 8;

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task What_was_answered_250_is_recorded_after_a_kill_9_and_what_is_handed_in_again_counts_once(Mode mode)
    {
        var port = FreePort.Next();
        await using var world = await worlds.Own(mode, new() { ["Receive__Smtp"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}") });
        var shop = await world.NewShop(webhook: false);
        var ids = await Task.WhenAll(Enumerable.Range(0, Bounces).Select(index => shop.Send(shop.Mail($"gone{index}@example.net"))));
        await shop.WaitForAll(ids, "delivered", World.Patience);
        var messages = world.Sink.Messages.ToList();

        var (taken, count) = (new ConcurrentBag<string>(), 0);
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(lane => HandIn(port, messages.Where((_, index) => index % Connections == lane), Took)));
        Assert.InRange(taken.Count, BeforeKill, Bounces - 1);
        await world.Api.StartAgainAsync(CancellationToken.None);

        foreach (var envelope in taken) Assert.Contains("bounced", await StateOf(shop, envelope));
        // Receivers know of no loss: they bring all that had no positive reply again, and some bring everything.
        foreach (var reply in await HandInAgain(port, messages)) Assert.StartsWith("250 ", reply);
        await shop.WaitForAll(ids, "bounced", World.Patience);
        foreach (var id in ids) Assert.Single((await shop.Message(id)).GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.bounced");

        Task Took(string recipient)
        {
            taken.Add(recipient);
            return Interlocked.Increment(ref count) == BeforeKill ? world.Api.Kill9Async() : Task.CompletedTask;
        }
    }

    private static async Task HandIn(int port, IEnumerable<SinkMessage> messages, Func<string, Task> took)
    {
        try
        {
            await using var receiver = await Receiver(port);
            foreach (var message in messages)
            {
                // Killed: no reply to the dot, or to whatever was said last.
                if (await HandIn(receiver, message) is not { Length: > 0 } reply) return;
                Assert.StartsWith("250 ", reply);
                await took(message.Recipient);
            }
        }
        catch (IOException)
        {
            // Killed while it was spoken to.
        }
    }

    private static async Task<List<string>> HandInAgain(int port, IEnumerable<SinkMessage> messages)
    {
        await using var receiver = await Receiver(port);
        var replies = new List<string>();
        foreach (var message in messages) replies.Add(await HandIn(receiver, message));
        return replies;
    }

    private static async Task<SmtpCaller> Receiver(int port)
    {
        var receiver = await SmtpCaller.Connect(port);
        receiver.ReversePath = "";
        await receiver.Ask("EHLO mx.example.net");
        return receiver;
    }

    private static Task<string> HandIn(SmtpCaller receiver, SinkMessage message) =>
        receiver.Send(Answers.Bounce(message.MailFrom, message.Recipient, message.MessageId), message.MailFrom);

    private static async Task<string> StateOf(Shop shop, string recipient) => (await World.Json(await shop.Live.GetAsync($"/messages?recipient={recipient}"))).ToString();
}
