using System.Globalization;
using System.Net;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>Load of any shape on the program: latencies, throughput, and what it costs.</summary>
internal static class LoadRun
{
    public static async Task<int> Run(Arguments arguments)
    {
        await Programs.Publish();
        var rate = arguments.Number("rate", 0);
        var plan = new LoadPlan
        {
            Template = new Template(arguments.Number("size", 5120)),
            Recipients = arguments.Number("recipients", 1),
            WarmUp = arguments.Number("warm-up", 2000),
            Messages = rate == 0 ? arguments.Number("messages", 20_000) : rate * arguments.Number("seconds", 30),
            Rate = rate == 0 ? null : rate,
            Connections = arguments.Number("connections", 64),
        };
        await using var sink = ScriptedSink.Start(new SinkOptions { EndPoint = new IPEndPoint(IPAddress.Any, FreePort.Next()), KeepContent = false });
        await using var installation = await Installation.Start(arguments.Mode, sink.Port, arguments.Number("sites", 4), arguments.Settings);
        await installation.Register(arguments.Number("tenants", 4), arguments.Number("domains", 1));
        using var load = new Load(installation, sink, plan);
        var result = await load.Run();

        var envelopes = plan.Messages * plan.Recipients;
        Console.WriteLine($"load --mode {arguments.Mode}: {plan.Messages} messages to {plan.Recipients} each, of {sink.Messages[^1].SizeBytes} octets, after {plan.WarmUp} to warm up");
        Console.WriteLine(result.Accept);
        if (plan.Rate is not null) Console.WriteLine(result.Late);
        Console.WriteLine(result.Deliver);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"accepted         {result.AcceptedPerSecond:0} messages/s; delivered and recorded {result.DeliveredPerSecond:0} envelopes/s"));
        Console.WriteLine($"CPU an envelope  {result.Cpu.Breakdown(envelopes)}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"other processes  {result.Cpu.OthersShare:P0} of the machine; load average {Machine.Load}; {installation.MemoryMegabytes()} MB resident"));
        Console.WriteLine($"arrived          {result.Refused} refused, {result.Missing} missing, {result.Twice} twice");
        return result.Missing == 0 && result.Refused == 0 ? 0 : 1;
    }
}
