using System.Globalization;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>This program beside Postfix and Haraka in one run on one machine, generator and receiving server included.</summary>
internal static class CompareRun
{
    private const int SizeBytes = 5 * 1024;

    public static async Task<int> Run(Arguments arguments)
    {
        if (Programs.Missing(Programs.SmtpSink, Programs.OpenDkim, Programs.Wrk) is { } missing)
        {
            await Console.Error.WriteLineAsync($"The comparison needs more: {missing}");
            return 2;
        }
        await Programs.Publish();
        var course = new Course(FreePort.Next(), arguments.Number("domains", 4), SizeBytes, arguments.Number("connections", 100));
        var race = new Race(course, arguments.Number("messages", 20_000), arguments.Number("warm-up", 20_000));
        var (results, absent) = (new List<Result>(), new List<(string Name, string Why)>());
        foreach (var entry in Entries(course, arguments.Settings))
        {
            if (arguments.List("without").Contains(entry.Word)) continue;
            try
            {
                if (Programs.Missing(entry.Needs) is { } needed) throw new InvalidOperationException(needed);
                results.Add(await Run(entry, race, arguments));
            }
            catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException)
            {
                Console.WriteLine($"{entry.Word} is left out: {e.Message}");
                absent.Add((entry.Word, e.Message.Split('\n')[0]));
            }
        }
        if (results.Count == 0) return 1;
        var report = new Comparison(results, absent, course, arguments.Number("rate", 500), await Repository.Commit());
        await report.Write(arguments.Text("out", Path.Combine(Repository.Root, "docs/performance")));
        return results.TrueForAll(result => result.Run.Arrived == result.Messages) ? 0 : 1;
    }

    private static async Task<Result> Run(Entry entry, Race race, Arguments arguments)
    {
        Console.WriteLine($"{entry.Word}: starting");
        await using var contender = await entry.Start();
        var result = await race.Run(contender);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{result.Name}: {result.Run.PerSecond:0} msg/s, CPU a message {result.Run.CpuMilliseconds:0.00} ms: {result.Run.Cpu.Breakdown(result.Messages)}; {result.Run.Arrived} of {result.Messages} arrived, {result.Verified} of {Race.CheckedMessages} verify; others had {result.Run.Cpu.OthersShare:P0} of the machine"));
        var rate = arguments.Number("rate", 500);
        if (contender is not ServiceContender service || rate == 0) return result;

        Console.WriteLine($"{result.Name}: at {rate}/s");
        var atRate = await race.RunAtRate(service, rate, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(arguments.Number("seconds", 30)));
        Console.WriteLine($"  {atRate.Accept}\n  {atRate.Late}\n  {atRate.Deliver}\n  {atRate.Refused} refused, {atRate.Missing} missing, {atRate.Twice} twice");
        return result with { AtRate = atRate };
    }

    private static IEnumerable<Entry> Entries(Course course, IReadOnlyDictionary<string, string> settings) =>
    [
        new("postfix", [Programs.Postfix, Programs.SmtpSource, Programs.OpenDkim], async () => await PostfixContender.Start(course)),
        new("haraka", [Programs.Npm, Programs.SmtpSource], async () => await HarakaContender.Start(course)),
        new("embedded", [], async () => await ServiceContender.Start(Mode.Embedded, course, settings)),
        new("distributed", [Programs.PostgreSql, Programs.RabbitMq, Programs.Redis], async () => await ServiceContender.Start(Mode.Distributed, course, settings)),
    ];

    private sealed record Entry(string Word, IReadOnlyList<Needed> Needs, Func<Task<IContender>> Start);
}
