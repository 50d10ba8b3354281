using System.Globalization;

namespace MailApi.Testing;

/// <summary>
/// The wall clock of a child process, which can jump while it runs (libfaketime). Its monotonic clock is left alone, as when an
/// operator or NTP sets a machine's time.
/// </summary>
public sealed class FakeClock : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly string _path;

    public FakeClock()
    {
        _path = _directory["offset"];
        Jump(TimeSpan.Zero);
        Environment = new Dictionary<string, string?>
        {
            ["LD_PRELOAD"] = Library(),
            ["FAKETIME_TIMESTAMP_FILE"] = _path,
            // Looked at once a second.
            ["FAKETIME_CACHE_DURATION"] = "1",
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
            ["NO_FAKE_STAT"] = "1",
        };
    }

    /// <summary>What the process must be started with.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; }

    /// <summary>How long until a process has noticed a jump.</summary>
    public static TimeSpan NoticedWithin { get; } = TimeSpan.FromSeconds(2);

    /// <summary>The clock shows this much more, or less, than ours from now on.</summary>
    public void Jump(TimeSpan offset)
    {
        // Renamed into place, so that nobody reads half of it.
        var next = _directory.Write("next", string.Create(CultureInfo.InvariantCulture, $"{(offset < TimeSpan.Zero ? "" : "+")}{(long)offset.TotalSeconds}\n"));
        File.Move(next, _path, overwrite: true);
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Library() =>
        Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(path => Path.Combine(path, "faketime/libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("libfaketime is not installed.");
}
