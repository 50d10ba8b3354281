using System.IO.Compression;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailApi.Webhooks;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class WebhookClientTests
{
    private const string Id = "evt_0198c0de000070008000000000000001";
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"webhook.test"}""");
    private static readonly byte[] Secret = Signature.NewSecret();
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_delivery_carries_the_standard_headers_and_verifies()
    {
        await using var endpoint = Endpoint.Answering(200);
        var answer = await Post(endpoint.Url);
        var request = await endpoint.Next(Ct);

        Assert.Equal(new Answer(200, null), answer);
        Assert.Equal("/in", request.Target);
        Assert.Equal(Id, request.Headers["webhook-id"]);
        Assert.Equal("application/json", request.Headers["content-type"]);
        Assert.Matches(@"^MailApi/\d+\.\d+\.\d+$", request.Headers["user-agent"]);
        Assert.Equal(Body, request.Body);
        Assert.True(request.Verifies(Signature.Show(Secret), TimeProvider.System.GetUtcNow()));
        Assert.DoesNotContain("accept-encoding", request.Headers.Keys);
        Assert.DoesNotContain("traceparent", request.Headers.Keys);
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(204, true)]
    [InlineData(299, true)]
    [InlineData(300, false)]
    [InlineData(304, false)]
    [InlineData(400, false)]
    [InlineData(429, false)]
    [InlineData(500, false)]
    public async Task Only_a_2xx_delivers(int status, bool delivered)
    {
        await using var endpoint = Endpoint.Answering(status);
        var answer = await Post(endpoint.Url);
        Assert.Equal(delivered, answer.Delivered);
        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_a_failure_and_is_not_followed(int status)
    {
        await using var target = Endpoint.Answering(200);
        await using var endpoint = new Endpoint((_, stream, ct) => Endpoint.Send(stream, $"HTTP/1.1 {status} x\r\nlocation: {target.Url}\r\ncontent-length: 0\r\n\r\n", ct));
        var answer = await Post(endpoint.Url);
        Assert.Equal(status, answer.Status);
        Assert.False(answer.Delivered);
        Assert.Equal(0, target.Waiting);
    }

    [Fact]
    public async Task An_endless_body_is_dropped_after_a_few_octets()
    {
        await using var endpoint = new Endpoint(async (_, stream, ct) =>
        {
            await Endpoint.Send(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", ct);
            while (true) await Endpoint.Send(stream, $"400\r\n{new string('x', 0x400)}\r\n", ct);
        });
        Assert.True((await PostWithoutDeadline(endpoint.Url)).Delivered);
        await endpoint.Dropped.WaitAsync(TimeSpan.FromSeconds(20), Ct);
    }

    [Fact]
    public async Task A_gzip_bomb_is_neither_asked_for_nor_unpacked()
    {
        var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            for (var mebibyte = 0; mebibyte < 64; mebibyte++) await gzip.WriteAsync(new byte[1 << 20], Ct);

        await using var endpoint = new Endpoint(async (_, stream, ct) =>
        {
            await Endpoint.Send(stream, $"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {packed.Length + (1 << 30)}\r\n\r\n", ct);
            while (true) await stream.WriteAsync(packed.ToArray(), ct);
        });
        Assert.True((await PostWithoutDeadline(endpoint.Url)).Delivered);
        await endpoint.Dropped.WaitAsync(TimeSpan.FromSeconds(20), Ct);
    }

    [Fact]
    public async Task Huge_headers_are_a_failure()
    {
        await using var endpoint = new Endpoint(async (_, stream, ct) =>
        {
            await Endpoint.Send(stream, "HTTP/1.1 200 OK\r\n", ct);
            for (var line = 0; ; line++) await Endpoint.Send(stream, $"x-{line}: {new string('y', 1_000)}\r\n", ct);
        });
        var answer = await Post(endpoint.Url);
        Assert.Equal(new Answer(null, "The answer's headers exceed 16 KiB."), answer);
        await endpoint.Dropped.WaitAsync(TimeSpan.FromSeconds(20), Ct);
    }

    [Fact]
    public async Task Endless_interim_answers_are_a_failure()
    {
        await using var endpoint = new Endpoint(async (_, stream, ct) =>
        {
            while (true) await Endpoint.Send(stream, "HTTP/1.1 103 Early Hints\r\n\r\n", ct);
        });
        Assert.Equal(new Answer(null, "The answer's headers exceed 16 KiB."), await Post(endpoint.Url));
        await endpoint.Dropped.WaitAsync(TimeSpan.FromSeconds(20), Ct);
    }

    [Fact]
    public async Task Silence_is_a_failure_after_15_seconds_and_not_before()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var endpoint = new Endpoint((_, _, ct) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct));
        var post = Post(endpoint.Url, clock: clock);
        await endpoint.Next(Ct);
        clock.Advance(TimeSpan.FromSeconds(14.9));
        Assert.False(post.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(new Answer(null, "The endpoint did not answer within 15 s."), await post);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_body_that_trickles_ends_at_the_deadline_and_the_2xx_counts()
    {
        await using var endpoint = new Endpoint(async (_, stream, ct) =>
        {
            await Endpoint.Send(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx", ct);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
        });
        var post = Post(endpoint.Url, options: new WebhookOptions { AllowPrivateNetworks = true, Timeout = TimeSpan.FromSeconds(5) });
        Assert.Equal(new Answer(200, null), await post.WaitAsync(TimeSpan.FromSeconds(60), Ct));
    }

    [Fact]
    public async Task A_connection_closed_before_the_answer_is_a_failure()
    {
        await using var endpoint = new Endpoint((_, stream, _) => throw new IOException("Closed on purpose."));
        Assert.Equal(new Answer(null, "The endpoint closed the connection before it answered."), await Post(endpoint.Url));
    }

    [Fact]
    public async Task What_is_not_http_is_a_failure()
    {
        await using var endpoint = new Endpoint((_, stream, ct) => Endpoint.Send(stream, "220 mx.example ESMTP\r\n", ct));
        Assert.Equal(new Answer(null, "The endpoint's answer was not HTTP."), await Post(endpoint.Url));
    }

    [Fact]
    public async Task A_refused_connection_is_a_failure()
    {
        var endpoint = Endpoint.Answering(200);
        var url = endpoint.Url;
        await endpoint.DisposeAsync();
        Assert.Equal(new Answer(null, "The endpoint did not accept a connection."), await Post(url));
    }

    [Fact]
    public async Task A_certificate_that_no_authority_signed_is_a_failure_and_nothing_is_sent()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await using var endpoint = new Endpoint((_, _, _) => Task.CompletedTask, async stream =>
        {
            var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(certificate);
            return tls;
        });
        var answer = await Post($"https://127.0.0.1:{endpoint.Port}/in");
        Assert.StartsWith("TLS failed", answer.Error);
        Assert.Equal(0, endpoint.Waiting);
    }

    [Fact]
    public async Task The_connection_goes_to_the_address_that_was_looked_at_and_the_name_is_asked_once()
    {
        await using var endpoint = Endpoint.Answering(200);
        var asked = new List<string>();
        var answer = await Post($"http://hooks.nowhere.invalid:{endpoint.Port}/in", resolve: (name, _) =>
        {
            asked.Add(name);
            return Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]);
        });
        Assert.True(answer.Delivered);
        Assert.Equal(["hooks.nowhere.invalid"], asked);
        Assert.Equal($"hooks.nowhere.invalid:{endpoint.Port}", (await endpoint.Next(Ct)).Headers["host"]);
    }

    [Fact]
    public async Task Every_send_asks_again_so_a_rebound_name_is_refused_even_over_an_open_connection()
    {
        await using var endpoint = Endpoint.Answering(200);
        var options = new WebhookOptions { AllowPrivateNetworks = true };
        var answers = new Queue<IPAddress[]>([[IPAddress.Loopback], []]);
        using var client = new WebhookClient(new EgressGuard((_, _) => Task.FromResult<IReadOnlyList<IPAddress>>(answers.Dequeue()), options), options, TimeProvider.System);
        var url = $"http://hooks.nowhere.invalid:{endpoint.Port}/in";
        Assert.True((await client.Post(url, Id, Body, [Secret], Ct)).Delivered);
        Assert.Equal(new Answer(null, "The host name does not resolve."), await client.Post(url, Id, Body, [Secret], Ct));
    }

    [Theory]
    [InlineData("http://hooks.example.com/in")]
    [InlineData("https://127.1/in")]
    [InlineData("https://hooks.example.com/in")]
    public async Task A_stored_url_that_is_not_public_is_refused_on_every_send(string url)
    {
        var answer = await Post(url, options: new WebhookOptions());
        Assert.False(answer.Delivered);
        Assert.Null(answer.Status);
    }

    /// <summary>On a clock that stands still: what ends, ends by its size.</summary>
    private static Task<Answer> PostWithoutDeadline(string url) =>
        Post(url, clock: new FakeTimeProvider(TimeProvider.System.GetUtcNow())).WaitAsync(TimeSpan.FromSeconds(20), Ct);

    private static async Task<Answer> Post(
        string url, WebhookOptions? options = null, TimeProvider? clock = null, Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>>? resolve = null)
    {
        options ??= new WebhookOptions { AllowPrivateNetworks = true };
        resolve ??= (_, _) => Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]);
        using var client = new WebhookClient(new EgressGuard(resolve, options), options, clock ?? TimeProvider.System);
        return await client.Post(url, Id, Body, [Secret], Ct);
    }
}
