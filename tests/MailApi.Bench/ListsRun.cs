using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace MailApi.Bench;

/// <summary>A suppression list comes in as CSV, comes in again, and goes out: how long each takes and what memory the program has at most.</summary>
internal static class ListsRun
{
    public static async Task<int> Run(Arguments arguments)
    {
        await using var stage = await Stage.Set(arguments.Mode);
        var (rows, clock) = (arguments.Number("rows", 1_000_000), TimeProvider.System);
        stage.Client.Timeout = TimeSpan.FromHours(1);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"lists --mode {arguments.Mode} --rows {rows}: {stage.MemoryMegabytes()} MB at rest"));
        foreach (var name in (string[])["import", "import again", "export"])
        {
            var start = clock.GetTimestamp();
            var (answer, peak) = await WithPeak(stage, name == "export" ? Export(stage) : Import(stage, rows));
            var seconds = clock.GetElapsedTime(start).TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {seconds:0.0} s, {rows / seconds:0} rows/s, at most {peak} MB; {answer}"));
        }
        return 0;
    }

    private static async Task<string> Import(Stage stage, int rows)
    {
        using var response = await stage.Client.PostAsync("/suppressions/import", new GeneratedList(rows));
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<string> Export(Stage stage)
    {
        using var response = await stage.Client.GetAsync("/suppressions/export", HttpCompletionOption.ResponseHeadersRead);
        await using var file = await response.Content.ReadAsStreamAsync();
        using var reader = new StreamReader(file);
        var lines = 0;
        while (await reader.ReadLineAsync() is not null) lines++;
        return string.Create(CultureInfo.InvariantCulture, $"{lines} lines");
    }

    private static async Task<(string Answer, int Peak)> WithPeak(Stage stage, Task<string> work)
    {
        var peak = 0;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!work.IsCompleted && await timer.WaitForNextTickAsync()) peak = Math.Max(peak, stage.MemoryMegabytes());
        return (await work, peak);
    }

    /// <summary>Made as it is sent.</summary>
    private sealed class GeneratedList : HttpContent
    {
        private readonly int rows;

        public GeneratedList(int rows)
        {
            this.rows = rows;
            Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
            await writer.WriteAsync("address,category,reason,source,expiresAt\r\n");
            for (var row = 0; row < rows; row++)
                await writer.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"recipient.{row * 7919L % rows}@domain{row % 5000}.example,,{(row % 3 == 0 ? "complaint" : "hardBounce")},old provider,\r\n"));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
