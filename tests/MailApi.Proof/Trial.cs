using System.Diagnostics.CodeAnalysis;
using MailApi.Proof.Checking;
using MailApi.Proof.Faults;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof;

/// <summary>How a trial came out.</summary>
/// <param name="Fault">What was done.</param>
/// <param name="Mode">To what.</param>
/// <param name="Seed">Of load and fault.</param>
/// <param name="Verdict">What the ledgers say; empty where it came to no end.</param>
/// <param name="Course">How it went over time; null where it came to no end.</param>
/// <param name="Error">Why it came to no end.</param>
/// <param name="Took">All of it.</param>
/// <param name="Directory">Where the ledgers lie.</param>
public sealed record TrialResult(Fault Fault, Mode Mode, int Seed, Verdict Verdict, Course? Course, string? Error, TimeSpan Took, string Directory)
{
    public bool Holds => Error is null && Verdict.Holds;

    public override string ToString() =>
        $"{(Holds ? "holds" : "FAILS")}: {Fault.Name}, {Mode}, seed {Seed}, {Took.TotalSeconds:0} s: {Error ?? (Holds ? Verdict.Counts.ToString() : $"{Verdict.Describe()}Ledgers: {Directory}")}";
}

/// <summary>One fault under load: start, load, inflict, end the fault, wait until everything is final, check.</summary>
public static class Trial
{
    /// <summary>How long the answers to the last calls are waited for.</summary>
    private static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(60);

    /// <param name="fault">What goes wrong.</param>
    /// <param name="options">The stand; its program, its number of nodes and their settings are the fault's.</param>
    /// <param name="seed">Of the load and of the fault.</param>
    /// <param name="ct">Gives up.</param>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever kept it from its end is a result, and the other trials go on.")]
    public static async Task<TrialResult> Run(Fault fault, StandOptions options, int seed, CancellationToken ct)
    {
        var started = TimeProvider.System.GetTimestamp();
        var (verdict, course, error) = (new Verdict(new Counts(), []), (Course?)null, (string?)null);
        try
        {
            (verdict, course) = await Judge(fault, options with { Binary = fault.Binary, Nodes = options.Mode == Mode.Embedded ? 1 : fault.Nodes }, seed, ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            error = e is TimeoutException ? e.Message : e.ToString();
        }
        return new TrialResult(fault, options.Mode, seed, verdict, course, error, TimeProvider.System.GetElapsedTime(started), options.Directory);
    }

    private static async Task<(Verdict, Course)> Judge(Fault fault, StandOptions options, int seed, CancellationToken ct)
    {
        await using var stand = await Stand.Prepare(options, ct);
        await fault.Prepare(stand, ct);
        await stand.StartNodes(ct);
        await using (var load = await Load.Start(stand, fault.Load, seed, ct))
        {
            await Task.Delay(fault.Calm, TimeProvider.System, ct);
            await stand.Timeline.FaultBegan(fault.Name);
            await fault.Inflict(stand, new Random(seed), ct);
            await stand.Timeline.FaultEnded(fault.Name);
            await Task.Delay(fault.Calm, TimeProvider.System, ct);
            await load.Stop(LastAnswers);
        }
        await stand.Settled(fault.Patience, ct);
        var evidence = await Evidence.Gather(stand, ct);
        var verdict = Checker.Check(evidence, fault.Expectations);
        var own = fault.Check(evidence).ToList();
        if (own.Count > 0) verdict = new Verdict(verdict.Counts with { Unexpected = verdict.Counts.Unexpected + own.Count }, [.. verdict.Violations, .. own]);
        return (verdict, Course.Of(evidence));
    }
}
