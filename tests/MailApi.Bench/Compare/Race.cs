using System.Net;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>How a contender did.</summary>
internal sealed record Result
{
    public required string Name { get; init; }
    public required string Setup { get; init; }
    public required int Messages { get; init; }

    public required Throughput Run { get; init; }

    /// <summary>Of <see cref="Race.CheckedMessages"/>, by OpenDKIM.</summary>
    public required int Verified { get; init; }

    /// <summary>Octets of one of them as it arrived.</summary>
    public required int SizeBytes { get; init; }

    /// <summary>RSA-2048 signatures a second of processor time, just before.</summary>
    public required double Yardstick { get; init; }

    /// <summary>Of the second phase, at a fixed rate; null for peers.</summary>
    public LoadResult? AtRate { get; init; }
}

/// <summary>One contender after the other takes the same course: a few messages to look at, some to warm up, and those that count.</summary>
internal sealed class Race(Course course, int messages, int warmUp)
{
    public const int CheckedMessages = 20;
    private static readonly TimeSpan CheckPatience = TimeSpan.FromMinutes(1);

    public async Task<Result> Run(IContender contender)
    {
        var yardstick = Machine.Yardstick();
        var (verified, sizeBytes) = await Check(contender);
        await using var sink = await SmtpSink.Start(course.SinkPort);
        await Throughput.Measure($"{contender.Name}, warming up", contender.Processes, sink, () => contender.Send(warmUp, "warm"), warmUp, contender.WaitUntilRecorded);
        var run = await Throughput.Measure(contender.Name, contender.Processes, sink, () => contender.Send(messages, "run"), messages, contender.WaitUntilRecorded);
        return new Result
        {
            Name = contender.Name,
            Setup = contender.Setup,
            Messages = messages,
            Run = run,
            Verified = verified,
            SizeBytes = sizeBytes,
            Yardstick = yardstick,
        };
    }

    /// <summary>Accepting and delivering at a fixed rate, far from full speed: how long each takes.</summary>
    public async Task<LoadResult> RunAtRate(ServiceContender contender, int rate, TimeSpan warmUp, TimeSpan counted)
    {
        await using var sink = ScriptedSink.Start(new SinkOptions { EndPoint = new IPEndPoint(IPAddress.Any, course.SinkPort), KeepContent = false });
        using var load = new Load(contender.Installation, sink, new LoadPlan
        {
            Template = new Template(course.SizeBytes),
            Recipients = 1,
            WarmUp = (int)(rate * warmUp.TotalSeconds),
            Messages = (int)(rate * counted.TotalSeconds),
            Rate = rate,
            Connections = course.Connections,
        });
        return await load.Run();
    }

    /// <summary>How many of the first messages verify, and how large they are: who does not sign would win.</summary>
    private async Task<(int Verified, int SizeBytes)> Check(IContender contender)
    {
        await using var sink = ScriptedSink.Start(new SinkOptions { EndPoint = new IPEndPoint(IPAddress.Any, course.SinkPort) });
        await using var generator = contender.Send(CheckedMessages, "check");
        try
        {
            var arrived = await sink.WaitForCount(CheckedMessages, CheckPatience);
            await contender.WaitUntilRecorded();
            var verdicts = await OpenDkim.VerifyAsync(contender.KeyRecords, arrived.Select(message => message.Bytes), CancellationToken.None);
            foreach (var verdict in verdicts.Where(verdict => verdict != "pass").Take(3)) Console.WriteLine($"  {contender.Name}: {verdict}");
            return (verdicts.Count(verdict => verdict == "pass"), arrived[^1].SizeBytes);
        }
        catch (TimeoutException e)
        {
            throw new InvalidOperationException($"{contender.Name} does not deliver: {e.Message}\nThe generator says: {generator.Output}");
        }
    }
}
