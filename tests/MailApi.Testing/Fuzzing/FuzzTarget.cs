namespace MailApi.Testing.Fuzzing;

/// <summary>A reader of what strangers write, and what it must keep to whatever they write.</summary>
public sealed record FuzzTarget
{
    public required string Name { get; init; }

    /// <summary>Well-formed input, from which the rest is made.</summary>
    public required IReadOnlyList<byte[]> Seeds { get; init; }

    /// <summary>
    /// Reads the input, throws when the outcome is not one that may be, and says in a few words what came of it: input with an outcome of its own is kept
    /// and changed further. Must end on the thread that it was called on.
    /// </summary>
    public required Func<byte[], string> Try { get; init; }

    /// <summary>Words of the format, put into inputs.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Of the processor, for one input, in the fastest of five tries: a machine that is busy with something else is no finding.</summary>
    public TimeSpan TimeMax { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>Allocated for one input: so much, and for each of its octets so much more.</summary>
    public long AllocatedBytesMax { get; init; } = 8 << 20;
    public int AllocatedBytesPerOctetMax { get; init; } = 200;
}

/// <summary>Looks at the ways that inputs go through the code.</summary>
/// <param name="Begin">Called before each input.</param>
/// <param name="IsNewWay">Called after it: it went from one branch to another as none before, or much more often.</param>
/// <param name="Ways">Seen so far.</param>
public sealed record FuzzGuide(Action Begin, Func<bool> IsNewWay, Func<int> Ways);

/// <summary>What an input did that it must not.</summary>
public sealed record FuzzFinding(string What, byte[] Input, long Iteration);

/// <param name="Inputs">Tried.</param>
/// <param name="Outcomes">Different ones that were met.</param>
/// <param name="Slowest">Of any input.</param>
/// <param name="MostAllocated">Bytes, for any input.</param>
/// <param name="Finding">The first, with which the run ended; or null.</param>
public sealed record FuzzReport(long Inputs, int Outcomes, TimeSpan Slowest, long MostAllocated, FuzzFinding? Finding)
{
    /// <summary>Through the code, as a <see cref="FuzzGuide"/> counts them.</summary>
    public int Ways { get; init; }
}
