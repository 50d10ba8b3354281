using System.Globalization;
using System.Text;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>Postfix's <c>smtp-sink</c>, which takes everything for one and the same price whoever sends: on every address of this machine, counting.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private const int SessionsMax = 4000;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Tell = TimeSpan.FromSeconds(5);

    /// <summary>Nothing arrives for so long: nothing will.</summary>
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(60);

    private readonly TempDirectory directory;
    private readonly string output;

    private SmtpSink(TempDirectory directory, int port)
    {
        (this.directory, output) = (directory, directory["counts"]);
        string[] user = Environment.UserName == "root" ? ["-u", "nobody"] : [];
        Process = ChildProcess.Start(new Launch(Programs.SmtpSink.Path, [.. user, "-c", "-m", $"{SessionsMax}", $"0.0.0.0:{port}", "1024"]), output);
    }

    public ChildProcess Process { get; }

    public static async Task<SmtpSink> Start(int port)
    {
        var sink = new SmtpSink(new TempDirectory(), port);
        await sink.Process.WaitUntilReadyAsync(async ct =>
        {
            using var client = new System.Net.Sockets.TcpClient();
            await client.ConnectAsync("127.0.0.1", port, ct);
            return true;
        }, StartPatience, CancellationToken.None);
        return sink;
    }

    /// <summary>Messages received.</summary>
    public int Count()
    {
        // It writes "sess=1 quit=0 mesg=7\r" again and again.
        if (!File.Exists(output)) return 0;
        using var file = new FileStream(output, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> tail = stackalloc byte[256];
        if (file.Length > tail.Length) file.Seek(-tail.Length, SeekOrigin.End);
        var text = Encoding.ASCII.GetString(tail[..file.ReadAtLeast(tail, tail.Length, throwOnEndOfStream: false)]);
        var end = text.LastIndexOf('\r');
        var start = end < 0 ? -1 : text.LastIndexOf("mesg=", end, StringComparison.Ordinal);
        return start < 0 ? 0 : int.Parse(text.AsSpan(start + 5, end - start - 5), CultureInfo.InvariantCulture);
    }

    /// <summary>Waits for so many messages in all, and tells how far it is; gives up when nothing arrives any more. Answers how many there are.</summary>
    public async Task<int> WaitFor(int count, string what)
    {
        var clock = TimeProvider.System;
        var (first, last) = (Count(), Count());
        var (start, progress, told) = (clock.GetTimestamp(), clock.GetTimestamp(), clock.GetTimestamp());
        while (last < count && clock.GetElapsedTime(progress) < Stalled)
        {
            await Task.Delay(Pause, clock);
            var now = Count();
            if (now != last) progress = clock.GetTimestamp();
            last = now;
            if (clock.GetElapsedTime(told) < Tell) continue;
            told = clock.GetTimestamp();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what}: {count - last} of {count - first} to come, {(last - first) / clock.GetElapsedTime(start).TotalSeconds:0}/s"));
        }
        return last;
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        directory.Dispose();
    }
}
