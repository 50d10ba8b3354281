using System.Diagnostics;

namespace MailApi.Mail;

/// <summary>
/// Places where a build of the configuration <c>CrashPoints</c> kills its own process when it is told to, so that a test can look at what is left. In every
/// other build neither the calls nor the names of the places exist.
/// </summary>
public static class CrashPoint
{
#if CRASH_POINTS
    /// <summary><c>MAILAPI_CRASH_AT=name:3</c>: at the third passing of the place of this name.</summary>
    private static readonly string[] Order = (Environment.GetEnvironmentVariable("MAILAPI_CRASH_AT") ?? "").Split(':');

    private static int left = Order.Length == 2 ? int.Parse(Order[1], System.Globalization.CultureInfo.InvariantCulture) : 0;
#endif

    /// <summary>SIGKILL, if it is the place and the passing that was ordered.</summary>
    /// <param name="name">Of the place; written nowhere else, so that it vanishes with the call.</param>
    [Conditional("CRASH_POINTS")]
    public static void Pass(string name)
    {
#if CRASH_POINTS
        if (name == Order[0] && Interlocked.Decrement(ref left) == 0) Process.GetCurrentProcess().Kill();
#endif
    }
}
