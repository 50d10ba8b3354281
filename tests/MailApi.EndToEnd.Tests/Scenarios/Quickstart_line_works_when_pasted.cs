using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed partial class Quickstart_line_works_when_pasted(ITestOutputHelper output) : IDisposable
{
    private readonly TempDirectory directory = new();

    // Nothing else is configured; the default ports may be taken on this machine.
    private readonly Dictionary<string, string?> addresses = new()
    {
        ["Urls"] = $"http://localhost:{FreePort.Next()}",
        ["Management__Urls"] = $"http://localhost:{FreePort.Next()}",
    };

    [Fact]
    public async Task A_fresh_start_prints_a_line_that_puts_a_signed_mail_into_the_sandbox()
    {
        var (first, line) = await Start("first.log");
        await using (first)
        {
            Assert.Matches(@"""id"":""msg_[0-9a-f]{32}"".*""state"":""queued""", await Command.RunAsync(new Launch("bash", "-c", line), CancellationToken.None));
            using var http = new HttpClient { BaseAddress = new Uri(addresses["Urls"]!), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Key(line)) } };
            var id = "";
            await Eventually.HoldsAsync(async () =>
            {
                var items = (await World.Json(await http.GetAsync("/sandbox/messages"))).GetProperty("items");
                if (items.GetArrayLength() == 0) return false;
                id = items[0].GetProperty("id").GetString();
                return true;
            }, World.Patience, "the mail is in the sandbox\n" + first.Output, CancellationToken.None);
            var mail = await World.Json(await http.GetAsync($"/sandbox/messages/{id}"));
            Assert.Equal(("ann@example.net", "Order 1001 is on its way"), (mail.GetProperty("recipient").GetString(), mail.GetProperty("subject").GetString()));
            Assert.Equal("pass", Assert.Single(mail.GetProperty("authentication").GetProperty("dkim").EnumerateArray()).GetProperty("result").GetString());
            Assert.True(await first.StopAsync(World.Patience), first.Output);
        }

        var (second, again) = await Start("second.log");
        await using (second) Assert.Equal(line, again);
    }

    public void Dispose() => directory.Dispose();

    /// <summary>Starts the program where there is nothing but what an earlier start has left, and answers the line that it prints.</summary>
    private async Task<(ChildProcess Process, string Line)> Start(string log)
    {
        var started = TimeProvider.System.GetTimestamp();
        var process = ChildProcess.Start(MailApiProcess.Program with { Environment = addresses, WorkingDirectory = directory.Path }, directory[log]);
        using var http = new HttpClient { BaseAddress = new Uri(addresses["Management__Urls"]!) };
        await process.WaitUntilReadyAsync(async ct => (await http.GetAsync("/health/ready", ct)).StatusCode == HttpStatusCode.OK, World.Patience, CancellationToken.None);
        output.WriteLine($"ready after {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s");
        await Eventually.HoldsAsync(() => SendLine().IsMatch(process.Output), World.Patience, "the line is printed", CancellationToken.None);
        return (process, SendLine().Match(process.Output).Value.Trim());
    }

    private static string Key(string line) => TestKey().Match(line).Value;

    [GeneratedRegex(@"^\s*curl \S+/send .*$", RegexOptions.Multiline)]
    private static partial Regex SendLine();

    [GeneratedRegex("mk_test_[A-Za-z0-9_-]+")]
    private static partial Regex TestKey();
}
