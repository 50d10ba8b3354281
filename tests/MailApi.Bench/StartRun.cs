using System.Globalization;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>From exec to <c>/health/ready</c>: on an empty data directory, then on one that is there.</summary>
internal static class StartRun
{
    public static async Task<int> Run(Arguments arguments)
    {
        var clock = TimeProvider.System;
        List<TimeSpan> first = [], again = [];
        for (var time = 0; time < arguments.Number("times", 5); time++)
        {
            var start = clock.GetTimestamp();
            await using var api = await MailApiProcess.StartAsync(new Dictionary<string, string>(), CancellationToken.None);
            first.Add(clock.GetElapsedTime(start));
            await api.TerminateAsync(TimeSpan.FromSeconds(30));
            start = clock.GetTimestamp();
            await api.StartAgainAsync(CancellationToken.None);
            again.Add(clock.GetElapsedTime(start));
        }
        Console.WriteLine(new Latencies("first start", first));
        Console.WriteLine(new Latencies("start again", again));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"load average {Machine.Load}"));
        return 0;
    }
}
