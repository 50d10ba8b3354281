using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Receiving;

/// <summary>
/// The returned messages of <c>MailApi.Mail.Tests</c>, each as the answer to mail that was really delivered: its return path and Message-ID are put where the sample has its own.
/// </summary>
[Trait("Takes", "seconds")]
public sealed class CorpusTests(TestHost host)
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests/MailApi.Mail.Tests/testdata/returned");
    private static readonly string[] OfNoConsequence = ["not-spam", "auth-failure"];

    public static TheoryData<string> Cases => [.. Directory.GetFiles(Folder, "*.eml").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Cases))]
    public async Task What_comes_back_changes_the_envelope_that_it_answers_as_it_says_and_no_other(string name)
    {
        var (sample, expected) = await Read(name);
        var (kind, feedback) = (expected["kind"].Single()[1], expected["feedback"].Select(row => row[1]).SingleOrDefault());
        var failed = expected["recipient"].FirstOrDefault(row => row[2] == "failed");
        var complained = feedback is not null && !OfNoConsequence.Contains(feedback);
        var tenant = await host.AnyTenant();
        var (sent, other) = (await tenant.Deliver(), await tenant.Deliver());

        var answer = await tenant.Received(Marked(sample, expected, sent.MailFrom, sent.MessageId), feedback is null ? sent.MailFrom : null);

        Assert.Equal(kind, answer.GetProperty("kind").GetString(), ignoreCase: true);
        Assert.Equal(failed is not null || complained, answer.GetProperty("recorded").GetBoolean());
        Assert.Equal(failed?[3], answer.TryGetProperty("class", out var found) ? found.GetString() : null);
        Assert.Equal(failed?[4], Hardness(answer));
        var message = await tenant.WaitFor(sent.Id, failed is null ? "delivered" : "bounced");
        Assert.Equal(failed?[4], Hardness(message.GetProperty("recipients")[0]));
        Assert.Equal(failed?[4], Hardness(message.GetProperty("events").EnumerateArray().Single(it => it.GetProperty("type").GetString() == (failed is null ? "message.delivered" : "message.bounced")).GetProperty("data")));
        await tenant.WaitFor(other.Id, "delivered");
        var reason = failed?[5] == "suppresses" ? "hardBounce" : complained ? "complaint" : null;
        Assert.Equal(reason, await Suppressed(tenant, sent.Recipient));
        Assert.Null(await Suppressed(tenant, other.Recipient));
    }

    /// <summary>As what a mailbox of the tenant's own brings: no envelope says which return path it came to, and its header or what it quotes must tell.</summary>
    [Fact]
    public async Task Without_its_recipient_each_is_tied_to_what_it_quotes_or_to_nothing_and_to_nothing_where_its_marks_differ()
    {
        var tenant = await host.NewTenant();
        var other = await tenant.Deliver();
        var wrong = new ConcurrentBag<string>();
        var tied = 0;
        await Parallel.ForEachAsync(Cases.Select(row => row.Data), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = TestContext.Current.CancellationToken }, async (name, _) =>
        {
            var (sample, expected) = await Read(name);
            var counts = expected["recipient"].Any(row => row[2] == "failed") || expected["feedback"].Any(row => !OfNoConsequence.Contains(row[1]));
            var (hasReturnPath, hasMessageId) = (ReturnPaths(expected).Any(path => sample.Contains(path, StringComparison.OrdinalIgnoreCase)), MessageIds(expected).Any(id => sample.Contains(id, StringComparison.Ordinal)));
            var sent = await tenant.Deliver();
            var envelope = (await tenant.WaitFor(sent.Id, "delivered")).GetProperty("recipients")[0].GetProperty("id").GetString();

            // Its return path, and another message.
            var crossed = Marked(sample, expected, sent.MailFrom, other.MessageId);
            if (hasMessageId) Check(await tenant.Received(crossed, sent.MailFrom), $"{name}, of another message to its return path", mayTie: true, mustTie: false, mayCount: false);
            if (hasMessageId && hasReturnPath) Check(await tenant.Received(crossed), $"{name}, of another message", mayTie: true, mustTie: false, mayCount: false);

            var isTied = (hasReturnPath || hasMessageId) && expected["kind"].Single()[1] is "status" or "complaint";
            Check(await tenant.Received(Marked(sample, expected, sent.MailFrom, sent.MessageId)), name, mayTie: isTied || hasReturnPath, mustTie: isTied, mayCount: counts);
            if (isTied) Interlocked.Increment(ref tied);

            void Check(JsonElement answer, string what, bool mayTie, bool mustTie, bool mayCount)
            {
                var to = answer.TryGetProperty("envelope", out var found) ? found.GetString() : null;
                if (to is null ? mustTie : to != envelope || !mayTie) wrong.Add($"{what}: tied to {to ?? "nothing"}");
                if (answer.GetProperty("recorded").GetBoolean() != (mustTie && mayCount)) wrong.Add($"{what}: {answer}");
            }
        });
        Architecture.Rule.Holds(wrong);
        Assert.InRange(tied, 150, Cases.Count);
        var untouched = await tenant.WaitFor(other.Id, "delivered");
        Assert.DoesNotContain(untouched.GetProperty("events").EnumerateArray(), it => it.GetProperty("type").GetString() == "message.complained");
        Assert.Null(await Suppressed(tenant, other.Recipient));
    }

    private static async Task<(string Sample, ILookup<string, string[]> Expected)> Read(string name) => (
        Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(Folder, name + ".eml"))),
        File.ReadLines(Path.Combine(Folder, name + ".expected")).Select(line => line.Split('\t')).ToLookup(row => row[0]));

    private static IEnumerable<string> ReturnPaths(ILookup<string, string[]> expected) => expected["return-path"].Select(row => row[1]).Where(path => path != "feedback@bounces.mail.shop.example");

    private static IEnumerable<string> MessageIds(ILookup<string, string[]> expected) => expected["message-id"].Select(row => $"<{row[1]}>");

    /// <summary>The sample with the marks of mail that was really delivered.</summary>
    private static byte[] Marked(string sample, ILookup<string, string[]> expected, string mailFrom, string messageId)
    {
        foreach (var path in ReturnPaths(expected)) sample = sample.Replace(path, mailFrom, StringComparison.OrdinalIgnoreCase);
        foreach (var id in MessageIds(expected)) sample = sample.Replace(id, messageId, StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes(sample);
    }

    /// <summary>As in the expected file, or null where nothing is said of it.</summary>
    private static string? Hardness(JsonElement it) => !it.TryGetProperty("hard", out var isHard) ? null : isHard.GetBoolean() ? "hard" : "soft";

    /// <summary>Why an address is suppressed, or null.</summary>
    private static async Task<string?> Suppressed(TestTenant tenant, string address)
    {
        var found = await TestHost.Json(await tenant.Live.GetAsync($"/suppressions?address={address}"));
        return found.GetProperty("items").EnumerateArray().Select(it => it.GetProperty("reason").GetString()).SingleOrDefault();
    }
}
