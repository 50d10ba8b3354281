using System.Diagnostics;

namespace MailApi.Testing;

/// <summary>Programs that do one thing and end.</summary>
public static class Command
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Runs the program and returns its standard output.</summary>
    /// <exception cref="InvalidOperationException">It ended with another code than 0; the message holds its output.</exception>
    /// <exception cref="TimeoutException">It did not end within three minutes: on a busy machine <c>rabbitmqctl</c> takes one.</exception>
    public static async Task<string> RunAsync(Launch launch, CancellationToken ct, string input = "")
    {
        var start = new ProcessStartInfo(launch.Program, launch.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Not the caller's, which another user may not enter.
            WorkingDirectory = launch.WorkingDirectory ?? "/",
        };
        foreach (var (name, value) in launch.Environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{launch} ended with code {process.ExitCode}:\n{await errors}{await output}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"{launch} did not end within {Patience.TotalSeconds:0} s.");
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
