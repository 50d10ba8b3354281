using System.IO.Pipelines;

namespace MailApi.Bench.Fuzz;

/// <summary>A connection in memory.</summary>
internal sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe
{
    /// <summary>What waits at one end goes on within the call at the other; nothing pauses the writer.</summary>
    public static Pipe Pipe() => new(new PipeOptions(null, PipeScheduler.Inline, PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false));
}
