using System.Collections.Concurrent;
using MailApi.Mail.Authentication;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>A DNS server for each file of <c>testdata/spf</c>.</summary>
public sealed class SpfZones : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<DnsZone>> zones = new(
        SpfSuite.All.Select(suite => KeyValuePair.Create(suite.Name, new Lazy<DnsZone>(suite.Serve))));

    /// <param name="suite">Whose records.</param>
    /// <param name="patience">With one answer.</param>
    public Spf Checker(string suite, TimeSpan patience) => new(
        new DnsResolver(new DnsOptions { Servers = [zones[suite].Value.EndPoint], Timeout = patience, Retries = 0, Deadline = patience }, TimeProvider.System),
        TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        foreach (var zone in zones.Values.Where(zone => zone.IsValueCreated)) await zone.Value.DisposeAsync();
    }
}

/// <summary>The rules of RFC 7208, case by case, over a real socket.</summary>
public class SpfSuiteTests(SpfZones zones) : IClassFixture<SpfZones>
{
    public static TheoryData<string, string> Cases => new(SpfSuite.All.SelectMany(suite => suite.Cases.Select(one => (suite.Name, one.Name))));

    [Theory, MemberData(nameof(Cases))]
    public async Task Every_case_ends_as_the_RFC_says(string suite, string name)
    {
        var one = SpfSuite.All.Single(file => file.Name == suite).Cases.Single(one => one.Name == name);
        // A server that is silent on purpose is not waited for as one that is slow.
        var patience = name.EndsWith("timeout", StringComparison.Ordinal) ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(10);
        var verdict = await zones.Checker(suite, patience).Check(new SpfIdentity(one.ClientIp, one.Helo, one.MailFrom), TestContext.Current.CancellationToken);

        TestContext.Current.TestOutputHelper?.WriteLine(verdict.ToString());
        Assert.Equal(one.Result, verdict.Result.Word());
        if (one.Lookups is { } lookups) Assert.Equal(lookups, verdict.Lookups);
        foreach (var part in one.Says) Assert.Contains(part, verdict.Explanation, StringComparison.Ordinal);
        if (one.OwnersWords is { } words) Assert.Equal(words.Length == 0 ? null : words, verdict.OwnersExplanation);
    }

    [Fact]
    public void The_suite_is_as_large_as_it_claims() => Assert.InRange(Cases.Count, 300, int.MaxValue);
}
