using System.Net;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Idempotent_repeat(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task The_same_request_again_gets_the_same_answer_and_sends_nothing(Mode mode)
    {
        var world = await worlds.Shared(mode);
        var shop = await world.NewShop();
        var recipient = $"once.{Guid.NewGuid():N}@example.net";
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var response = await shop.Post(shop.Mail(recipient), "order-1001");
            return (response.StatusCode, Body: await response.Content.ReadAsStringAsync(), Location: response.Headers.Location?.ToString());
        }));
        Assert.Single(answers.Distinct());
        Assert.Equal(HttpStatusCode.Accepted, answers[0].StatusCode);

        var other = shop.Mail(recipient);
        other["subject"] = "Another order";
        using var reused = await shop.Post(other, "order-1001");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, reused.StatusCode);
        Assert.Contains("idempotency-reused", await reused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        await shop.WaitFor(answers[0].Location!["/messages/".Length..], "delivered");
        Assert.Single(world.Sink.Messages, it => it.Recipient == recipient);
    }
}
