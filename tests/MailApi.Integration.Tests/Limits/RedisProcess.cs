using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Limits;

/// <summary>A real redis-server on a free port, without persistence, killed with the test.</summary>
internal sealed class RedisProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private Process? process;

    public int Port { get; } = FreePort.Next();

    public async Task Start(CancellationToken ct)
    {
        process = Process.Start(new ProcessStartInfo("redis-server",
            ["--bind", "127.0.0.1", "--port", $"{Port}", "--save", "", "--appendonly", "no", "--dir", Path.GetTempPath(), "--logfile", "/dev/null"]))!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        while (!await Answers(patience.Token)) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
    }

    public async Task Kill()
    {
        if (process is null) return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>Stops the server without closing its connections (SIGSTOP), or lets it go on (SIGCONT).</summary>
    public async Task Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync() => await Kill();

    private async Task<bool> Answers(CancellationToken ct)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port, ct);
            await client.GetStream().WriteAsync("PING\r\n"u8.ToArray(), ct);
            return await client.GetStream().ReadAsync(new byte[7], ct) > 0;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
