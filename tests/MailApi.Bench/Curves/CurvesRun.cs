using System.Globalization;
using MailApi.Mail.Dkim;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>Whether what grows makes anything slower: one curve for each thing that does.</summary>
internal sealed class CurvesRun(Arguments arguments)
{
    /// <summary>Octets that one point sends, about, so that large messages take no longer than many.</summary>
    private const long PointBytes = 300L << 20;

    /// <summary>Requests that are under way hold their body in the generator, too.</summary>
    private const long UnderWayBytes = 64L << 20;

    private static readonly int[] Decades = [1, 10, 100, 1000, 10_000];
    private readonly int messages = 3000 * arguments.Number("scale", 1);
    private readonly int warmUp = arguments.Number("warm-up", 1000);
    private readonly int sinkPort = FreePort.Next();

    public static async Task<int> Run(Arguments arguments)
    {
        if (Programs.Missing(Programs.SmtpSink, Programs.Wrk) is { } missing)
        {
            await Console.Error.WriteLineAsync($"The curves need more: {missing}");
            return 2;
        }
        await Programs.Publish();
        return await new CurvesRun(arguments).Run();
    }

    private async Task<int> Run()
    {
        List<Curve> curves = [];
        foreach (var (name, grow) in All())
        {
            if (!Wanted(name)) continue;
            curves.Add(await grow());
            await Write(curves, []);
        }
        if (Wanted("queued")) await Write(curves, await new QueuedCurve(arguments, sinkPort, warmUp, messages).Run());
        return curves.SelectMany(curve => curve.Points).All(point => point.Run.Arrived == point.Expected) ? 0 : 1;
    }

    private IEnumerable<(string Name, Func<Task<Curve>> Grow)> All()
    {
        var shared = KeyRing.Make(10);
        yield return ("tenants", () => Grow("tenants", "More tenants", "tenants, each with a domain", Decades, count => new Size { Tenants = count, Domains = count, Keys = shared }));
        yield return ("domains", () => Grow("domains", "More domains", "sending domains of ten tenants, each with a key of its own", Decades,
            count => new Size { Tenants = Math.Min(10, count), Domains = count, Keys = KeyRing.Make(count) }));
        yield return ("sites", () => Grow("sites", "More destinations", "recipient domains, each with a mail host of its own", Decades, count => new Size { Sites = count, Keys = shared }));
        yield return ("size", () => Grow("size", "Larger messages", "size of a message in KB", Decades, kilobytes => new Size { SizeBytes = kilobytes * 1024, Keys = shared }));
        yield return ("recipients", () => Grow("recipients", "More recipients", "recipients of a message", Decades[..4], count => new Size { Recipients = count, Keys = shared }));
    }

    /// <summary>After each curve, so that an hour's work is not lost with the last one.</summary>
    private Task Write(IReadOnlyList<Curve> curves, IReadOnlyList<QueuedPoint> queued) =>
        new CurvesPage(arguments.Mode, curves, queued).Write(arguments.Text("out", Path.Combine(Repository.Root, "docs/performance")));

    private bool Wanted(string name) => arguments.List("only") is not { Count: > 0 } only || only.Contains(name);

    private async Task<Curve> Grow(string name, string title, string axis, int[] steps, Func<int, Size> sizeOf)
    {
        List<CurvePoint> points = [];
        foreach (var step in steps)
        {
            var point = await Measure(step.ToString("N0", CultureInfo.InvariantCulture), $"{name} {step}", sizeOf(step));
            points.Add(point);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name} {step}: {point.Run.PerSecond:0.0}/s, {point.Run.CpuMilliseconds:0.00} ms of CPU each ({point.Run.Cpu.Breakdown(point.Run.Arrived)}), {point.MemoryMegabytes} MB, others {point.Run.Cpu.OthersShare:P0}"));
        }
        return new Curve(name, title, axis, points);
    }

    private async Task<CurvePoint> Measure(string label, string what, Size size)
    {
        IReadOnlyList<Inhabitant> all = [];
        await using var installation = await Installation.Start(arguments.Mode, sinkPort, size.Sites, arguments.Settings,
            async (db, vault) => all = await Population.Write(db, vault, size.Tenants, size.Domains, size.Keys));
        installation.Senders = [.. all.Select(it => it.Sender)];
        await using var sink = await SmtpSink.Start(sinkPort);
        var count = (int)Math.Clamp(PointBytes / size.SizeBytes, 1, Math.Max(4, messages / size.Recipients));
        var connections = (int)Math.Clamp(UnderWayBytes / size.SizeBytes, 4, 64);
        var (template, least) = (new Template(size.SizeBytes), Math.Max(4, Math.Min(count, warmUp / size.Recipients)));

        Task<Throughput> Send(int number, string word) => Throughput.Measure($"{what}, {word}", installation.Processes, sink,
            () => Generator.Wrk(installation, template, number, size.Recipients, connections, word), number * size.Recipients, installation.WaitUntilRecorded);
        await Send(least, "warm");
        var run = await Send(count, "run");
        return new CurvePoint(label, run, installation.MemoryMegabytes(), count * size.Recipients);
    }

    /// <summary>What may grow, as it is while something else does.</summary>
    private sealed record Size
    {
        public int Tenants { get; init; } = 4;
        public int Domains { get; init; } = 4;
        public int Sites { get; init; } = 4;
        public int SizeBytes { get; init; } = 5 * 1024;
        public int Recipients { get; init; } = 1;
        public required IReadOnlyList<SigningKey> Keys { get; init; }
    }
}
