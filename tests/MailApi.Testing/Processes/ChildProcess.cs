using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MailApi.Testing;

/// <summary>
/// A program running in a session of its own, so that it can be signalled with everything it has started. Its output goes straight to
/// a file. It is killed when it is disposed, and at the latest when this process ends.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private const int OutputBytesMax = 16 * 1024;
    private static readonly ConcurrentDictionary<int, ChildProcess> Running = new();
    private static readonly Lock Starting = new();
    private static bool _ending;
    private readonly Process _process;
    private readonly Launch _launch;
    private readonly string _outputPath;

    // .NET 10 ends at these signals without raising ProcessExit; the handlers do not cancel, so it still ends.
    private static readonly PosixSignalRegistration[] Endings =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => KillAll()),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => KillAll()),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => KillAll()),
    ];

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();

    private ChildProcess(Process process, Launch launch, string outputPath)
    {
        _process = process;
        _launch = launch;
        _outputPath = outputPath;
        Pid = process.Id;
        Running[Pid] = this;
    }

    /// <summary>The process id, which is also the id of its group and session.</summary>
    public int Pid { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>How the program ended.</summary>
    /// <exception cref="InvalidOperationException">It runs.</exception>
    public int ExitCode => _process.ExitCode;

    /// <summary>The last 16 KB that it wrote.</summary>
    public string Output => Tail(_outputPath);

    /// <summary>Starts a program; its standard output and error are appended to the file <paramref name="outputPath"/>.</summary>
    public static ChildProcess Start(Launch launch, string outputPath)
    {
        // The shell opens the file and becomes setsid, which becomes the program: one process id throughout, and no pipe to us that
        // would have to be drained or would break.
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec >>\"$0\" 2>&1 </dev/null; exec setsid \"$@\"", outputPath, launch.Program, .. launch.Arguments])
        {
            WorkingDirectory = launch.WorkingDirectory ?? "/",
        };
        foreach (var (name, value) in launch.Environment) start.Environment[name] = value;
        lock (Starting)
        {
            if (_ending) throw new InvalidOperationException($"{launch} is not started: this process is ending.");
            return new ChildProcess(Process.Start(start)!, launch, outputPath);
        }
    }

    /// <summary>Waits until the program answers.</summary>
    /// <param name="ready">Asks it; a refused connection or an end of stream counts as "not yet".</param>
    /// <param name="timeout">How long to ask.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The program ended; the message holds its output.</exception>
    /// <exception cref="TimeoutException">It did not answer in time; the message holds its output.</exception>
    public async Task WaitUntilReadyAsync(Func<CancellationToken, Task<bool>> ready, TimeSpan timeout, CancellationToken ct)
    {
        try
        {
            await Eventually.HoldsAsync(async () =>
            {
                if (HasExited) throw new InvalidOperationException($"{_launch} ended with code {ExitCode} while starting:\n{Output}");
                try
                {
                    return await ready(ct);
                }
                catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or HttpRequestException)
                {
                    return false;
                }
            }, timeout, "", ct);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{_launch} did not answer within {timeout.TotalSeconds:0} s:\n{Output}");
        }
    }

    /// <summary>Waits for the program to end by itself and returns its code.</summary>
    /// <exception cref="TimeoutException">It still runs; the message holds its output.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan timeout, CancellationToken ct)
    {
        if (!await ExitsWithinAsync(timeout, ct))
            throw new TimeoutException($"{_launch} did not end within {timeout.TotalSeconds:0} s:\n{Output}");
        return ExitCode;
    }

    /// <summary>Asks the program to end by a signal, waits, and kills it with everything it has started if it does not.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public async Task<bool> StopAsync(TimeSpan grace, int signal = ProcessTree.Terminate)
    {
        // Looked up now: once the program has ended, nothing tells what it has started.
        var members = ProcessTree.Members(Pid);
        if (!HasExited) ProcessTree.Signal(Pid, signal);
        var ended = await ExitsWithinAsync(grace, CancellationToken.None);
        await KillAsync([.. members, .. ProcessTree.Members(Pid)]);
        return ended;
    }

    /// <summary><c>kill -9</c> of the program and of everything it has started; returns when all of it is gone.</summary>
    public Task KillAsync() => KillAsync(ProcessTree.Members(Pid));

    /// <summary>SIGSTOP: the program and everything it has started stand still, with their connections open.</summary>
    public void Freeze() => ProcessTree.Signal(ProcessTree.Members(Pid), ProcessTree.Stop);

    /// <summary>SIGCONT, after <see cref="Freeze"/>.</summary>
    public void Thaw() => ProcessTree.Signal(ProcessTree.Members(Pid), ProcessTree.Continue);

    public async ValueTask DisposeAsync()
    {
        if (Running.ContainsKey(Pid)) await KillAsync();
        _process.Dispose();
    }

    private static void KillAll()
    {
        lock (Starting)
        {
            _ending = true;
            foreach (var pid in Running.Keys) ProcessTree.Signal(ProcessTree.Members(pid), ProcessTree.Kill);
        }
    }

    private async Task KillAsync(IReadOnlyCollection<ProcessTree.Member> members)
    {
        await Eventually.HoldsAsync(() =>
        {
            // Again and again, for a member may start another one while it is looked up.
            members = [.. members, .. ProcessTree.Members(Pid)];
            ProcessTree.Signal(members, ProcessTree.Kill);
            return !members.Any(ProcessTree.IsThere);
        }, TimeSpan.FromSeconds(60), $"{_launch} is gone", CancellationToken.None);
        await _process.WaitForExitAsync(CancellationToken.None);
        Running.TryRemove(Pid, out _);
    }

    private async Task<bool> ExitsWithinAsync(TimeSpan timeout, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The end of a file that may still grow, or nothing where there is none.</summary>
    internal static string Tail(string path)
    {
        if (!File.Exists(path)) return "";
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length > OutputBytesMax) file.Seek(-OutputBytesMax, SeekOrigin.End);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }
}
