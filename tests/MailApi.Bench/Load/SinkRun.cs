using System.Net;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>A receiving mail server for other generators: it counts, does what a recipient's local part says (<c>451-2-ann</c>), and verifies a sample.</summary>
internal static class SinkRun
{
    /// <summary>One message of so many keeps its content.</summary>
    private const int SampledOfEvery = 100;

    private static readonly TimeSpan Report = TimeSpan.FromSeconds(1);

    public static async Task<int> Run(Arguments arguments)
    {
        var wanted = arguments.Number("messages", 0);
        await using var sink = ScriptedSink.Start(new SinkOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, arguments.Number("port", 2525)),
            KeepContentOfEvery = SampledOfEvery,
        });
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Cancel();
        };
        Console.WriteLine($"The sink listens on {sink.EndPoint}; Ctrl-C ends it.");
        await Count(sink, wanted, stop.Token);
        return await Verify(sink, arguments);
    }

    private static async Task Count(ScriptedSink sink, int wanted, CancellationToken ct)
    {
        using var tick = new PeriodicTimer(Report, TimeProvider.System);
        var before = 0;
        try
        {
            while (await tick.WaitForNextTickAsync(ct))
            {
                if (sink.Count != before) Console.WriteLine($"{sink.Count} messages, {sink.Count - before} in the last second, {sink.Connections} connections");
                before = sink.Count;
                if (wanted > 0 && before >= wanted) return;
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Ctrl-C: what has come is verified.
        }
    }

    /// <summary>Keys come from the server that <c>--dns</c> names, else from the system's.</summary>
    private static async Task<int> Verify(ScriptedSink sink, Arguments arguments)
    {
        var sample = sink.Messages.Where(message => message.Bytes.Length > 0).Take(arguments.Number("verify", 20)).ToList();
        var options = arguments.Text("dns", "") is { Length: > 0 } server ? new DnsOptions { Servers = [IPEndPoint.Parse(server)] } : new DnsOptions();
        var dns = new DnsResolver(options, TimeProvider.System);
        var passed = 0;
        foreach (var message in sample)
        {
            var verdicts = await Verifier.Verify(message.Bytes, dns, TimeProvider.System, CancellationToken.None);
            if (verdicts.Count > 0 && verdicts.All(verdict => verdict.Result == AuthenticationResult.Pass)) passed++;
            else Console.WriteLine($"{message.MessageId}: {(verdicts.Count == 0 ? "no signature" : string.Join(", ", verdicts.Select(verdict => $"{verdict.Result} {verdict.Reason}")))}");
        }
        Console.WriteLine($"{sink.Count} messages; {passed} of {sample.Count} sampled verify");
        return passed == sample.Count ? 0 : 1;
    }
}
