using System.Runtime.InteropServices;

namespace MailApi.Testing.Fuzzing;

/// <summary>What of the processor's time the calling thread has had (clock_gettime(2)).</summary>
public static partial class ThreadTime
{
    private const int ThreadCpuClock = 3;

    public static TimeSpan Now => GetTime(ThreadCpuClock, out var time) == 0
        ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
        : throw new InvalidOperationException("This system does not tell a thread's time.");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out Time time);

    /// <summary>struct timespec of a system with 64 bits.</summary>
    private record struct Time(long Seconds, long Nanoseconds);
}
