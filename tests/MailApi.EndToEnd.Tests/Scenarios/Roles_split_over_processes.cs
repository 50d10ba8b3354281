using System.Globalization;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>Roles can be split only where store, bus and limits are shared.</summary>
public sealed class Roles_split_over_processes(Worlds worlds)
{
    private const int Messages = 60;

    [Fact]
    public async Task Each_role_does_its_part_and_a_killed_deliverer_costs_nothing_but_time()
    {
        var port = FreePort.Next();
        await using var world = await worlds.Own(Mode.Distributed, new()
        {
            ["Roles"] = "Api",
            ["Receive__Smtp"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"),
            ["Secrets__KeyEncryptionKey"] = Convert.ToBase64String(Enumerable.Range(0, 32).Select(number => (byte)number).ToArray()),
        });
        var joined = await Task.WhenAll(world.Join("Deliver"), world.Join("Deliver"), world.Join("Webhook"), world.Join("Receive"));
        var shop = await world.NewShop();
        var first = await Task.WhenAll(Enumerable.Range(0, Messages).Select(index => shop.Send(shop.Mail($"first{index}@example.net"))));
        await shop.WaitForAll(first, "delivered", World.Patience);
        await shop.WaitForWebhook("message.delivered", first[0]);

        // What comes back is told by a process that neither accepted nor delivered it.
        var (bounced, complained) = (world.Sink.Messages[0], world.Sink.Messages[1]);
        await using (var receiver = await SmtpCaller.Connect(port))
        {
            receiver.ReversePath = "";
            await receiver.Ask("EHLO mx.example.net");
            Assert.StartsWith("250 ", await receiver.Send(Answers.Bounce(bounced.MailFrom, bounced.Recipient, bounced.MessageId), bounced.MailFrom), StringComparison.Ordinal);
            Assert.StartsWith("250 ", await receiver.Send(Answers.Feedback(complained.MailFrom, complained.MessageId), $"feedback@{complained.MailFrom.Split('@')[1]}"), StringComparison.Ordinal);
        }
        await shop.WaitForWebhook("message.bounced", IdOf(bounced));
        await shop.WaitForWebhook("message.complained", IdOf(complained));

        // Both hold mail that no receiver has greeted yet when one of them dies.
        world.Sink.Pause();
        var second = await Task.WhenAll(Enumerable.Range(0, Messages).Select(index => shop.Send(shop.Mail($"second{index}@example.net"))));
        await shop.WaitForAll(second, "sending", World.Patience);
        await joined[0].Kill9Async();
        world.Sink.Resume();

        // A node is silent for 30 s before its leases are given to others.
        await shop.WaitForAll(second, "delivered", TimeSpan.FromSeconds(90));
        var takenBack = (await Task.WhenAll(second.Select(shop.Message))).Count(it => it.GetProperty("recipients")[0].GetProperty("duplicatePossible").GetBoolean());
        Assert.InRange(takenBack, 1, Messages - 1);
        Assert.Equal(2 * Messages, world.Sink.Messages.Select(it => it.Recipient).Distinct().Count());
        Assert.Equal(2 * Messages, world.Sink.Count);

        string IdOf(SinkMessage message) => first[int.Parse(message.Recipient["first".Length..message.Recipient.IndexOf('@', StringComparison.Ordinal)], CultureInfo.InvariantCulture)];
    }
}
