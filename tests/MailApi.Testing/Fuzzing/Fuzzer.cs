using System.Text;

namespace MailApi.Testing.Fuzzing;

/// <summary>
/// Throws changed input at a reader for a while: first its seeds as they are, then what <see cref="Mutator"/> makes of them and of what had an outcome of its
/// own, or with a <see cref="FuzzGuide"/> went a new way through the code. Without one the same seed makes the same inputs in the same order. Ends at the first finding.
/// </summary>
public sealed class Fuzzer(FuzzTarget target, int seed)
{
    private const int KeptMax = 2_000;
    private const int OutcomesMax = 100_000;
    private static readonly TimeSpan HangsAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider time = TimeProvider.System;
    private readonly List<byte[]> pool = [];
    private readonly HashSet<string> outcomes = [];
    private byte[] current = [];
    private long currentSince, inputs, mostAllocated, slowest;
    private FuzzFinding? finding;

    public int Seed => seed;

    /// <summary>The run ends with so many inputs, the seeds beside them, if its time has not come before.</summary>
    public long ChangedMax { get; init; } = long.MaxValue;

    /// <summary>Sees which ways an input goes; null where the code has not been made to tell.</summary>
    public FuzzGuide? Guide { get; init; }

    /// <summary>Those of the target, and what earlier runs kept.</summary>
    public IReadOnlyList<byte[]> Seeds { get; } = [.. target.Seeds, .. Corpus.Read(target.Name)];

    /// <summary>What did something new.</summary>
    public IReadOnlyList<byte[]> Kept => pool;

    /// <param name="length">For how long.</param>
    /// <param name="progress">Told every so often.</param>
    public FuzzReport Run(TimeSpan length, Action<FuzzReport>? progress = null)
    {
        var began = time.GetTimestamp();
        // A stack of its own, as small as a pool thread's: what recurses without bound must fall here.
        var worker = new Thread(() => Work(began, length), maxStackSize: 1 << 20) { IsBackground = true };
        currentSince = began;
        worker.Start();
        while (!worker.Join(Look))
        {
            progress?.Invoke(Report());
            if (time.GetElapsedTime(Interlocked.Read(ref currentSince)) > HangsAfter) return Report() with { Finding = new FuzzFinding($"It does not end within {HangsAfter.TotalSeconds} s.", current, inputs) };
        }
        return Report();
    }

    private FuzzReport Report() => new(Interlocked.Read(ref inputs), outcomes.Count, TimeSpan.FromTicks(Interlocked.Read(ref slowest)), Interlocked.Read(ref mostAllocated), finding) { Ways = Guide?.Ways() ?? 0 };

    private void Work(long began, TimeSpan length)
    {
        var random = new Random(seed);
        var mutator = new Mutator(random, [.. target.Words.Select(Encoding.UTF8.GetBytes)]);
        foreach (var input in Seeds)
            if (!Holds(input)) return;
        pool.InsertRange(0, Seeds.Except(pool));
        for (var changed = 0L; changed < ChangedMax && time.GetElapsedTime(began) < length; changed++)
            if (!Holds(mutator.Change(pool[random.Next(pool.Count)], () => pool[random.Next(pool.Count)]))) return;
    }

    private bool Holds(byte[] input)
    {
        current = input;
        Interlocked.Exchange(ref currentSince, time.GetTimestamp());
        inputs++;
        var began = ThreadTime.Now;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        string outcome;
        Guide?.Begin();
        try
        {
            outcome = target.Try(input);
        }
        catch (Exception e)
        {
            // Whatever it is, it must not be.
            finding = new FuzzFinding(e.ToString(), input, inputs);
            return false;
        }
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        var isNew = outcomes.Count < OutcomesMax && outcomes.Add(outcome);
        if ((isNew | Guide?.IsNewWay() == true) && pool.Count < KeptMax) pool.Add(input);
        if (allocated > mostAllocated) mostAllocated = allocated;
        if (allocated > target.AllocatedBytesMax + (long)target.AllocatedBytesPerOctetMax * input.Length) return Found($"It allocates {allocated:N0} bytes for {input.Length:N0} octets.", input);
        return IsFast(input, ThreadTime.Now - began);
    }

    private bool IsFast(byte[] input, TimeSpan taken)
    {
        for (var again = 0; taken > target.TimeMax && again < 4; again++)
        {
            var began = ThreadTime.Now;
            target.Try(input);
            if (ThreadTime.Now - began is var less && less < taken) taken = less;
        }
        if (taken.Ticks > slowest) slowest = taken.Ticks;
        return taken <= target.TimeMax || Found($"It takes {taken.TotalMilliseconds:0} ms for {input.Length:N0} octets.", input);
    }

    private bool Found(string what, byte[] input)
    {
        finding = new FuzzFinding(what, input, inputs);
        return false;
    }
}
