namespace MailApi.Testing;

/// <summary>Waits for what cannot be subscribed to, such as a file or another process, by asking again every few milliseconds.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when <paramref name="condition"/> holds.</summary>
    /// <param name="condition">Asked until it answers true; what it throws ends the wait.</param>
    /// <param name="timeout">How long to ask.</param>
    /// <param name="expectation">What was waited for, for the message of the failure.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="TimeoutException">The condition did not hold in time.</exception>
    public static Task HoldsAsync(Func<Task<bool>> condition, TimeSpan timeout, string expectation, CancellationToken ct) =>
        HoldsAsync(condition, Pause, timeout, expectation, ct);

    /// <param name="pause">Between two questions, where asking costs something.</param>
    /// <inheritdoc cref="HoldsAsync(Func{Task{bool}}, TimeSpan, string, CancellationToken)"/>
    public static async Task HoldsAsync(Func<Task<bool>> condition, TimeSpan pause, TimeSpan timeout, string expectation, CancellationToken ct)
    {
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (!await condition())
        {
            if (clock.GetElapsedTime(start) > timeout) throw new TimeoutException($"Not within {timeout.TotalSeconds:0.#} s: {expectation}");
            await Task.Delay(pause, clock, ct);
        }
    }

    /// <inheritdoc cref="HoldsAsync(Func{Task{bool}}, TimeSpan, string, CancellationToken)"/>
    public static Task HoldsAsync(Func<bool> condition, TimeSpan timeout, string expectation, CancellationToken ct) =>
        HoldsAsync(() => Task.FromResult(condition()), timeout, expectation, ct);
}
