using System.Net.Sockets;
using System.Text;

namespace MailApi.Testing;

/// <summary>A real Redis with its own directory and port.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);
    private readonly TempDirectory _directory = new();
    private readonly bool _persistent;
    private ChildProcess? _process;

    private RedisServer(bool persistent) => _persistent = persistent;

    public int Port { get; } = FreePort.Next();

    /// <summary>In the form of StackExchange.Redis.</summary>
    public string ConnectionString => $"127.0.0.1:{Port}";

    /// <summary>The server, for signals.</summary>
    /// <exception cref="InvalidOperationException">The server is stopped.</exception>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("Redis is stopped.");

    /// <param name="persistent">Every write reaches the disk before its answer; otherwise a restart forgets everything.</param>
    /// <param name="ct">Ends the start.</param>
    public static async Task<RedisServer> StartAsync(bool persistent, CancellationToken ct)
    {
        var server = new RedisServer(persistent);
        try
        {
            await server.StartAgainAsync(ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server after <see cref="StopAsync"/> or <see cref="KillAsync"/> on the same port.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        string[] persistence = _persistent ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
        _process = ChildProcess.Start(new Launch("redis-server",
            ["--bind", "127.0.0.1", "--port", $"{Port}", "--dir", _directory.Path, "--save", "", .. persistence]), _directory["redis.log"]);
        await _process.WaitUntilReadyAsync(AnswersAsync, StartPatience, ct);
    }

    public async Task StopAsync()
    {
        await Process.StopAsync(StopPatience);
        await ForgetAsync();
    }

    public async Task KillAsync()
    {
        await Process.KillAsync();
        await ForgetAsync();
    }

    /// <summary>Runs a command, for example <c>FLUSHALL</c> or <c>SCRIPT FLUSH</c>, and returns what <c>redis-cli</c> prints.</summary>
    public async Task<string> RunAsync(CancellationToken ct, params IReadOnlyList<string> words) =>
        (await Command.RunAsync(new Launch("redis-cli", ["-h", "127.0.0.1", "-p", $"{Port}", .. words]), ct)).TrimEnd('\n');

    public async ValueTask DisposeAsync()
    {
        await ForgetAsync();
        _directory.Dispose();
    }

    private async Task ForgetAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }

    private async Task<bool> AnswersAsync(CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, ct);
        var stream = client.GetStream();
        await stream.WriteAsync("PING\r\n"u8.ToArray(), ct);
        var answer = new byte[5];
        await stream.ReadExactlyAsync(answer, ct);
        return Encoding.ASCII.GetString(answer) == "+PONG";
    }
}
