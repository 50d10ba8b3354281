using System.Text;
using MailApi.Proof;
using MailApi.Proof.Faults;

namespace MailApi.EndToEnd.Tests.Scenarios;

/// <summary>The short form of what <c>tests/prove.sh</c> does for an hour.</summary>
[Trait("Takes", "minutes")]
public sealed class Killed_at_any_moment(ITestOutputHelper output) : IDisposable
{
    private const int Kills = 15;

    /// <summary>Most of a trial is waiting: for a dead node's silence, or for a doorbell that is taken for lost.</summary>
    private const int AtOnce = 8;

    private readonly TempDirectory directory = new();

    [Fact(DisableParallelization = true)]
    public async Task Wherever_and_whenever_the_process_dies_nothing_is_lost_and_what_is_sent_twice_is_flagged()
    {
        var seed = Random.Shared.Next(1_000_000);
        output.WriteLine($"seed {seed}");
        var kills = Enum.GetValues<Mode>().Select(mode => Trial.Run(
            new RandomKills(Kills, nodes: 2, messagesPerSecond: 25), new StandOptions { Mode = mode, Directory = directory[$"kills-{mode}"] }, seed, CancellationToken.None)).ToList();
        // Where nothing can be sent twice, either mode shows it, and the seed says which.
        var elsewhere = CrashAt.Points.Except(CrashAt.MayDuplicate).SelectMany((point, index) => Trials.Crashes([point], [(seed + index) % 2 == 0 ? Mode.Embedded : Mode.Distributed], [false], passing: 1));
        var crashes = await Trials.Run(
            Trials.Crashes(CrashAt.MayDuplicate, Enum.GetValues<Mode>(), [false, true], passing: 1).Concat(elsewhere), seed, AtOnce, shareServers: true, directory.Path, output.WriteLine, CancellationToken.None);
        output.WriteLine(CrashTable.Of(crashes));

        Assert.All([.. await Task.WhenAll(kills), .. crashes], result => Assert.True(result.Holds, result.ToString()));
        // A copy that must be possible there shows that the place is where it is said to be.
        Assert.Equal(
            from point in CrashAt.MayDuplicate from mode in Enum.GetValues<Mode>() select (point, mode),
            from result in crashes where result.Verdict.Counts.Duplicated > 0 select (((CrashAt)result.Fault).Point, result.Mode));
    }

    [Fact]
    public void The_program_that_is_shipped_has_neither_the_places_nor_their_names()
    {
        Assert.Equal(CrashAt.Points.Order(), NamesIn("artifacts/crash-points").Order());
        Assert.Empty(NamesIn("artifacts/publish"));
    }

    public void Dispose() => directory.Dispose();

    /// <summary>Literals stand in an assembly as UTF-16, each behind its length; that tells <c>after-webhook</c> from <c>after-webhook-record</c>.</summary>
    private static IEnumerable<string> NamesIn(string build)
    {
        var assemblies = Directory.GetFiles(Path.Combine(Repository.Root, build), "MailApi*.dll").Select(File.ReadAllBytes).ToList();
        Assert.Equal(2, assemblies.Count);
        return CrashAt.Points.Where(name => assemblies.Exists(octets => octets.AsSpan().IndexOf([(byte)((2 * name.Length) + 1), .. Encoding.Unicode.GetBytes(name)]) >= 0));
    }
}
