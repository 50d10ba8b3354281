using System.IO.Pipelines;

namespace MailApi.Bench.Fuzz;

/// <summary>A connection in memory.</summary>
internal sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
