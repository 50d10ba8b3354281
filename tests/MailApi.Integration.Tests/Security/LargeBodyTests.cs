using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Security;

/// <summary>S-27: a hundred messages as large as may be at the same time take all memory, or the service from everybody else.</summary>
public sealed class LargeBodyTests
{
    private const int AtOnce = 100;
    private const int AttachmentOctets = 18 << 20;

    /// <summary>Of the process: one at a time takes about 250 MB, a hundred unbounded ones more than 10 GB.</summary>
    private const long PeakBytesMax = 3L << 30;

    [Fact]
    public async Task A_hundred_at_once_are_taken_or_asked_to_come_again_in_bounded_memory_and_others_are_served()
    {
        await using var api = await MailApiProcess.StartAsync(new Dictionary<string, string>(), CancellationToken.None);
        var (heavy, light) = (await Tenant(api, "heavy.example"), await Tenant(api, "light.example"));
        var body = Encoding.ASCII.GetBytes(JsonSerializer.Serialize(Mail("heavy.example", Convert.ToBase64String(new byte[AttachmentOctets]))));
        heavy.Timeout = TimeSpan.FromMinutes(5);

        var large = Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await heavy.PostAsync("/send", content);
            return (response.StatusCode, response.Headers.RetryAfter);
        }).ToList();
        var answered = Task.WhenAll(large);
        var served = 0;
        do
        {
            using var response = await light.PostAsJsonAsync("/send", Mail("light.example", "eA=="));
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            served++;
        }
        while (!answered.IsCompleted);

        var answers = await answered;
        Assert.All(answers, answer => Assert.True(answer.StatusCode == HttpStatusCode.Accepted || (answer.StatusCode == HttpStatusCode.ServiceUnavailable && answer.RetryAfter is not null), $"{answer}"));
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.Accepted);
        Assert.InRange(served, 2, int.MaxValue);
        Assert.InRange(Peak(api), 0, PeakBytesMax);

        // What was asked to come again is taken once there is room.
        using var again = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var taken = await heavy.PostAsync("/send", again);
        Assert.Equal(HttpStatusCode.Accepted, taken.StatusCode);
    }

    [Fact]
    public async Task A_hundred_that_came_back_are_taken_or_asked_to_come_again_in_bounded_memory()
    {
        await using var api = await MailApiProcess.StartAsync(new Dictionary<string, string>(), CancellationToken.None);
        var heavy = await Tenant(api, "heavy.example");
        heavy.Timeout = TimeSpan.FromMinutes(5);
        var body = new byte[40 << 20];

        var answers = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            using var content = new ByteArrayContent(body);
            using var response = await heavy.PostAsync("/receive", content);
            return (response.StatusCode, response.Headers.RetryAfter);
        }));
        Assert.All(answers, answer => Assert.True(answer.StatusCode == HttpStatusCode.OK || (answer.StatusCode == HttpStatusCode.ServiceUnavailable && answer.RetryAfter is not null), $"{answer}"));
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.InRange(Peak(api), 0, PeakBytesMax);
    }

    [Fact]
    public async Task Bodies_that_only_say_that_they_are_large_cost_nothing()
    {
        await using var api = await MailApiProcess.StartAsync(new Dictionary<string, string>(), CancellationToken.None);
        var tenant = await Tenant(api, "heavy.example");
        var before = Peak(api);
        var sockets = new List<System.Net.Sockets.TcpClient>();
        try
        {
            for (var count = 0; count < 500; count++)
            {
                var socket = new System.Net.Sockets.TcpClient();
                sockets.Add(socket);
                await socket.ConnectAsync(api.BaseAddress.Host, api.BaseAddress.Port);
                await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                    $"POST /send HTTP/1.1\r\nHost: a\r\nAuthorization: {tenant.DefaultRequestHeaders.Authorization}\r\nContent-Type: application/json\r\nContent-Length: 41943040\r\n\r\n{{"));
            }
            using var response = await tenant.PostAsJsonAsync("/send", Mail("heavy.example", "eA=="));
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            Assert.InRange(Peak(api) - before, 0, 1L << 30);
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    private static object Mail(string domain, string attachment) => new
    {
        from = $"a@{domain}",
        to = new[] { "ann@example.net" },
        subject = "x",
        text = "x",
        category = "support",
        sendAt = TimeProvider.System.GetUtcNow().AddDays(1),
        attachments = new[] { new { filename = "a.bin", content = attachment } },
    };

    private static async Task<HttpClient> Tenant(MailApiProcess api, string domain)
    {
        var made = await ServiceUnderTest.Json(await api.Admin.PostAsJsonAsync("/tenants", new { name = "Shop" }));
        await ServiceUnderTest.Json(await api.Admin.PostAsJsonAsync("/domains", new { tenant = made.GetProperty("id").GetString(), name = domain, verification = "manual", categories = new[] { "support" } }));
        return api.WithKey(made.GetProperty("keys").EnumerateArray().Single(key => key.GetProperty("mode").GetString() == "live").GetProperty("key").GetString()!);
    }

    /// <summary>The most that was ever resident (proc_pid_status(5)).</summary>
    private static long Peak(MailApiProcess api) =>
        1024 * long.Parse(File.ReadLines($"/proc/{api.Process.Pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
