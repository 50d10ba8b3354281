using MailApi.Proof;
using MailApi.Proof.Faults;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>The most telling of the faults that <c>tests/prove.sh</c> inflicts; each is checked by four ledgers.</summary>
[Trait("Takes", "minutes")]
public sealed class Peers_fail_under_load(ITestOutputHelper output) : IDisposable
{
    private readonly TempDirectory directory = new();

    [Theory(DisableParallelization = true)]
    [InlineData("broker-killed", Mode.Distributed)]
    [InlineData("postgresql-killed", Mode.Distributed)]
    [InlineData("redis-flushall", Mode.Distributed)]
    [InlineData("doorbells-repeated", Mode.Distributed)]
    [InlineData("doorbells-repeated", Mode.Embedded)]
    [InlineData("disk-full", Mode.Embedded)]
    [InlineData("node-stopped-past-its-lease", Mode.Distributed)]
    public async Task Nothing_is_lost_and_no_copy_is_made_that_was_not_flagged(string fault, Mode mode)
    {
        Assert.SkipUnless(fault != "disk-full" || SmallDisk.IsPossible, "Only root may mount.");
        var result = await Trial.Run(All.Faults().Single(one => one.Name == fault), new StandOptions { Mode = mode, Directory = directory[fault] }, Random.Shared.Next(1_000_000), CancellationToken.None);
        output.WriteLine(result.ToString());
        Assert.True(result.Holds, result.ToString());
    }

    public void Dispose() => directory.Dispose();
}
