using MailApi.Proof.Faults;
using MailApi.Testing;

namespace MailApi.Proof;

/// <summary>Many trials, some at the same time; those that break no server may share them, each with a database and a virtual host of its own.</summary>
public static class Trials
{
    /// <summary>Crashes at these points in these modes: each with mail that may be sent again, and with mail that is to be held instead.</summary>
    public static IEnumerable<(Fault Fault, Mode Mode)> Crashes(IEnumerable<string> points, IReadOnlyList<Mode> modes, IReadOnlyList<bool> holds, int passing) =>
        from point in points
        from mode in modes
        from hold in holds
        select ((Fault)new CrashAt(point, hold, passing), mode);

    /// <param name="trials">What to do, to what.</param>
    /// <param name="seed">Of all of them.</param>
    /// <param name="atOnce">How many run at the same time.</param>
    /// <param name="shareServers">None of the faults breaks a server.</param>
    /// <param name="directory">For their ledgers, a folder each.</param>
    /// <param name="tell">Told of each result.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<IReadOnlyList<TrialResult>> Run(
        IEnumerable<(Fault Fault, Mode Mode)> trials, int seed, int atOnce, bool shareServers, string directory, Action<string> tell, CancellationToken ct)
    {
        var all = trials.ToList();
        await using var servers = shareServers && all.Exists(trial => trial.Mode == Mode.Distributed) ? await DistributedServers.Start() : null;
        var results = new TrialResult[all.Count];
        await Parallel.ForAsync(0, all.Count, new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct }, async (index, token) =>
        {
            var (fault, mode) = all[index];
            results[index] = await Trial.Run(fault, new StandOptions { Mode = mode, Servers = servers, Directory = Path.Combine(directory, $"{fault.Name}-{mode}") }, seed, token);
            tell(results[index].ToString());
            // Kept for whoever looks for the reason.
            if (results[index].Holds) Directory.Delete(results[index].Directory, recursive: true);
        });
        return results;
    }
}
