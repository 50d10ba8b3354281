using System.Text;
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
        var expected = File.ReadLines(Path.Combine(Folder, name + ".expected")).Select(line => line.Split('\t')).ToLookup(row => row[0]);
        var (kind, feedback) = (expected["kind"].Single()[1], expected["feedback"].Select(row => row[1]).SingleOrDefault());
        var failed = expected["recipient"].FirstOrDefault(row => row[2] == "failed");
        var complained = feedback is not null && !OfNoConsequence.Contains(feedback);
        var tenant = await host.AnyTenant();
        var (sent, other) = (await tenant.Deliver(), await tenant.Deliver());

        var sample = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(Folder, name + ".eml")));
        foreach (var path in expected["return-path"].Where(row => row[1] != "feedback@bounces.mail.shop.example")) sample = sample.Replace(path[1], sent.MailFrom, StringComparison.OrdinalIgnoreCase);
        foreach (var id in expected["message-id"]) sample = sample.Replace($"<{id[1]}>", sent.MessageId, StringComparison.Ordinal);
        var answer = await tenant.Received(Encoding.Latin1.GetBytes(sample), feedback is null ? sent.MailFrom : null);

        Assert.Equal(kind, answer.GetProperty("kind").GetString(), ignoreCase: true);
        Assert.Equal(failed is not null || complained, answer.GetProperty("recorded").GetBoolean());
        Assert.Equal(failed?[3], answer.TryGetProperty("class", out var found) ? found.GetString() : null);
        await tenant.WaitFor(sent.Id, failed is null ? "delivered" : "bounced");
        await tenant.WaitFor(other.Id, "delivered");
        var reason = failed?[5] == "suppresses" ? "hardBounce" : complained ? "complaint" : null;
        Assert.Equal(reason, await Suppressed(tenant, sent.Recipient));
        Assert.Null(await Suppressed(tenant, other.Recipient));
    }

    /// <summary>Why an address is suppressed, or null.</summary>
    private static async Task<string?> Suppressed(TestTenant tenant, string address)
    {
        var found = await TestHost.Json(await tenant.Live.GetAsync($"/suppressions?address={address}"));
        return found.GetProperty("items").EnumerateArray().Select(it => it.GetProperty("reason").GetString()).SingleOrDefault();
    }
}
