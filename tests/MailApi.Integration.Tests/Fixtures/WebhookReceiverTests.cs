using System.Net;
using System.Text;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class WebhookReceiverTests
{
    // The example of the Standard Webhooks specification.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Signs_as_the_specification_does() => Assert.Equal(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        StandardWebhooks.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", Encoding.UTF8.GetBytes("""{"test": 2432232314}"""), Secret));

    [Fact]
    public async Task Records_requests_and_sees_a_forged_one()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new HttpClient();
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

        await PostAsync(client, receiver.Url, "evt_1", now, """{"type":"webhook.test"}""", """{"type":"webhook.test"}""");
        await PostAsync(client, receiver.Url, "evt_2", now, """{"type":"forged"}""", """{"type":"webhook.test"}""");
        await PostAsync(client, receiver.Url, "evt_3", now - 3600, "{}", "{}");

        await receiver.WaitForCount(3, Patience);
        Assert.Equal("webhook.test", (await receiver.WaitFor(webhook => webhook.Id == "evt_1", Patience)).Type);
        Assert.Equal([true, false, false], receiver.Received.Select(webhook => webhook.SignatureError(Secret) is null));
    }

    [Fact]
    public async Task Answers_as_it_is_told()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        receiver.AnswerNext(WebhookAnswer.Of(500), WebhookAnswer.RetryAfter(429, TimeSpan.FromSeconds(7)), WebhookAnswer.Redirect("http://127.0.0.1/"),
            WebhookAnswer.GzipBomb(), WebhookAnswer.Abort());

        Assert.Equal(HttpStatusCode.InternalServerError, (await PostAsync(client, receiver.Url)).StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(7), (await PostAsync(client, receiver.Url)).Headers.RetryAfter?.Delta);
        Assert.Equal("http://127.0.0.1/", (await PostAsync(client, receiver.Url)).Headers.Location?.ToString());
        Assert.InRange((await (await PostAsync(client, receiver.Url)).Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length, 100_000, 2_000_000);
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(client, receiver.Url));
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync(client, receiver.Url)).StatusCode);
    }

    [Fact]
    public async Task An_endless_answer_ends_only_with_its_reader()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new HttpClient();
        receiver.Default = WebhookAnswer.Endless();
        using (var request = new HttpRequestMessage(HttpMethod.Post, receiver.Url))
        using (var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            await body.ReadExactlyAsync(new byte[10_000_000], TestContext.Current.CancellationToken);
        }
        await Eventually.HoldsAsync(() => receiver.Aborted == 1, Patience, "the abort is seen", TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Goes_down_and_comes_up_on_the_same_port()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new HttpClient();

        await receiver.DownAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(client, receiver.Url));
        await receiver.UpAsync();

        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync(client, receiver.Url)).StatusCode);
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string url) =>
        client.PostAsync(new Uri(url), new StringContent("{}"), TestContext.Current.CancellationToken);

    private static async Task PostAsync(HttpClient client, string url, string id, long timestamp, string body, string signedBody)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body) };
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", $"{timestamp}");
        request.Headers.Add("webhook-signature", StandardWebhooks.Sign(id, $"{timestamp}", Encoding.UTF8.GetBytes(signedBody), Secret));
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
