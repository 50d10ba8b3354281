namespace MailApi.Bench;

/// <summary>Resident memory of the embedded program, before any traffic and after some.</summary>
internal static class IdleRun
{
    private const int Messages = 1000;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    public static async Task<int> Run()
    {
        await using var stage = await Stage.Set(Mode.Embedded);
        var ready = stage.MemoryMegabytes();
        await Task.Delay(Quiet, TimeProvider.System);
        var idle = stage.MemoryMegabytes();

        for (var number = 0; number < Messages; number++) await stage.Post(number);
        await stage.Sink.WaitForCount(Messages, Quiet);
        await stage.WaitUntilRecorded();
        var busy = stage.MemoryMegabytes();
        await Task.Delay(Quiet, TimeProvider.System);

        Console.WriteLine($"ready {ready} MB; {Quiet.TotalSeconds:0} s without traffic {idle} MB; after {Messages} messages {busy} MB, and {Quiet.TotalSeconds:0} s later {stage.MemoryMegabytes()} MB");
        return 0;
    }
}
