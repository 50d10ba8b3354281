using System.Globalization;

namespace MailApi.Bench;

/// <summary>How long <c>POST /diagnose/send</c> takes for one person who asks again and again, once the DNS is warm.</summary>
internal static class DiagnoseRun
{
    public static async Task<int> Run(Arguments arguments)
    {
        await using var stage = await Stage.Set(arguments.Mode);
        await stage.PublishRecords();
        var clock = TimeProvider.System;
        List<TimeSpan> all = [];
        var score = 0.0;
        for (var number = 0; number <= arguments.Number("times", 200); number++)
        {
            var start = clock.GetTimestamp();
            score = await stage.Diagnose(number);
            all.Add(clock.GetElapsedTime(start));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"diagnose --mode {arguments.Mode}: score {score:0.0}; the first answer after the start took {all[0].TotalMilliseconds:0} ms"));
        Console.WriteLine(new Latencies("POST /diagnose", all.Skip(1)));
        return 0;
    }
}
