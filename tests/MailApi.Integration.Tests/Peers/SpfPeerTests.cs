using MailApi.Testing;

namespace MailApi.Integration.Tests.Peers;

/// <summary>
/// The cases of <c>testdata/spf</c>, which our evaluator agrees with, put to pyspf. Where the two differ the case says so and why; a
/// difference that has gone is reported too.
/// </summary>
public class SpfPeerTests
{
    public static TheoryData<string> Suites => new(SpfSuite.All.Select(suite => suite.Name));

    [Theory, MemberData(nameof(Suites))]
    public async Task Pyspf_agrees_but_where_the_case_says_why_not(string name)
    {
        var suite = SpfSuite.All.Single(suite => suite.Name == name);
        await using var zone = suite.Serve();

        var results = await Pyspf.CheckAsync(zone.EndPoint, suite.Cases, TestContext.Current.CancellationToken);

        Assert.Equal(suite.Cases.Count, results.Count);
        var surprises = suite.Cases.Zip(results)
            .Where(pair => pair.Second != (pair.First.Pyspf?.Result ?? pair.First.Result))
            .Select(pair => $"{pair.First.Name}: {pair.First.Pyspf?.Result ?? pair.First.Result} was expected, pyspf says {pair.Second}")
            .ToList();
        Assert.True(surprises.Count == 0, string.Join('\n', surprises));
        Assert.All(suite.Cases.Where(one => one.Pyspf is not null), one => Assert.NotEqual(one.Result, one.Pyspf!.Value.Result));
    }
}
