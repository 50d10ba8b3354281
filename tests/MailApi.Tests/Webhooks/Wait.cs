using System.Diagnostics;

namespace MailApi.Tests.Webhooks;

internal static class Wait
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Returns as soon as the condition holds; fails when it does not within the patience that a busy machine needs.</summary>
    public static async Task Until(Func<Task<bool>> condition, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new TimeoutException("The condition never held.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, ct);
        }
    }
}
