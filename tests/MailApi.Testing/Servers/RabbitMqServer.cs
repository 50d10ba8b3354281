using System.Net.Sockets;

namespace MailApi.Testing;

/// <summary>
/// A real RabbitMQ node with its own data, ports and port mapper, so that nodes of other tests do not see it. The user
/// <see cref="User"/> may do everything in the virtual host of the same name.
/// </summary>
public sealed class RabbitMqServer : IAsyncDisposable
{
    public const string User = "mailapi";
    private const string Password = "mailapi-test";
    private const string Programs = "/usr/lib/rabbitmq/bin";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);
    private const int HostsAtOnce = 24;
    private readonly TempDirectory _directory = new();
    private readonly SemaphoreSlim _hostsGate = new(1, 1);
    private readonly Queue<string> _hosts = [];
    private readonly int _mapperPort = FreePort.Next();
    private readonly Dictionary<string, string?> _environment;
    private readonly ChildProcess _mapper;
    private ChildProcess? _process;

    private RabbitMqServer()
    {
        var configuration = _directory.Write("rabbitmq.conf", $"""
            listeners.tcp.1 = 127.0.0.1:{Port}
            default_user = {User}
            default_pass = {Password}
            default_vhost = {User}
            disk_free_limit.absolute = 50MB
            """ + "\n");
        _environment = new Dictionary<string, string?>
        {
            // The cookie that lets rabbitmqctl in is made in the home directory.
            ["HOME"] = _directory.Path,
            ["RABBITMQ_NODENAME"] = $"mailapi-{Port}@localhost",
            ["RABBITMQ_NODE_PORT"] = $"{Port}",
            ["RABBITMQ_DIST_PORT"] = $"{FreePort.Next()}",
            ["RABBITMQ_MNESIA_BASE"] = _directory.Create("mnesia"),
            ["RABBITMQ_LOG_BASE"] = _directory.Create("log"),
            ["RABBITMQ_CONFIG_FILE"] = configuration,
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = _directory.Write("enabled_plugins", "[].\n"),
            // Schedulers that spin while idle would take a small machine from everybody else.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "+sbwt none +sbwtdcpu none +sbwtdio none",
            ["ERL_EPMD_PORT"] = $"{_mapperPort}",
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        };
        // Started here, because the one that Erlang would start outlives its node.
        _mapper = ChildProcess.Start(new Launch("epmd") { Environment = _environment }, _directory["epmd.log"]);
    }

    public int Port { get; } = FreePort.Next();

    /// <summary><c>amqp://user:password@127.0.0.1:port/vhost</c>.</summary>
    public string Uri => $"amqp://{User}:{Password}@127.0.0.1:{Port}/{User}";

    /// <summary>The node, for signals.</summary>
    /// <exception cref="InvalidOperationException">The node is stopped.</exception>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("RabbitMQ is stopped.");

    /// <summary>Makes an empty virtual host that <see cref="User"/> owns and returns its address.</summary>
    public async Task<string> CreateVirtualHostAsync(CancellationToken ct)
    {
        await _hostsGate.WaitAsync(ct);
        try
        {
            if (_hosts.Count == 0) await AddHostsAsync(ct);
            return $"amqp://{User}:{Password}@127.0.0.1:{Port}/{_hosts.Dequeue()}";
        }
        finally
        {
            _hostsGate.Release();
        }
    }

    public static async Task<RabbitMqServer> StartAsync(CancellationToken ct)
    {
        var server = new RabbitMqServer();
        try
        {
            await server._mapper.WaitUntilReadyAsync(token => ConnectsAsync(server._mapperPort, token), StartPatience, ct);
            await server.StartAgainAsync(ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the node after <see cref="StopAsync"/>, <see cref="KillAsync"/> or <see cref="WipeAsync"/> on the same ports.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        _process = ChildProcess.Start(new Launch($"{Programs}/rabbitmq-server") { Environment = _environment }, _directory["rabbitmq.log"]);
        await _process.WaitUntilReadyAsync(GreetsAsync, StartPatience, ct);
    }

    /// <summary>The orderly shutdown.</summary>
    public async Task StopAsync()
    {
        await Process.StopAsync(StopPatience);
        await ForgetAsync();
    }

    /// <summary><c>kill -9</c> of the node and of its helpers.</summary>
    public async Task KillAsync()
    {
        await Process.KillAsync();
        await ForgetAsync();
    }

    /// <summary>Kills the node and removes everything it knows: queues, messages, users. It comes back as new.</summary>
    public async Task WipeAsync()
    {
        if (_process is not null) await KillAsync();
        Directory.Delete(_directory["mnesia"], recursive: true);
        _directory.Create("mnesia");
    }

    /// <summary>Runs <c>rabbitmqctl</c>, for example <c>delete_queue name -p mailapi</c>, and returns what it prints. Takes a second or two.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message holds its output.</exception>
    public Task<string> ControlAsync(CancellationToken ct, params IReadOnlyList<string> arguments) =>
        Command.RunAsync(new Launch($"{Programs}/rabbitmqctl", ["-q", .. arguments]) { Environment = _environment }, ct);

    public async ValueTask DisposeAsync()
    {
        await ForgetAsync();
        await _mapper.DisposeAsync();
        _hostsGate.Dispose();
        _directory.Dispose();
    }

    /// <summary>Many at once: starting <c>rabbitmqctl</c> costs a second or two, a virtual host some milliseconds.</summary>
    private async Task AddHostsAsync(CancellationToken ct)
    {
        string[] names = [.. Enumerable.Range(0, HostsAtOnce).Select(_ => $"h{Guid.NewGuid():N}")];
        await ControlAsync(ct, "eval", $$"""
            [begin
                rabbit_vhost:add(Host, <<"test">>),
                rabbit_auth_backend_internal:set_permissions(<<"{{User}}">>, Host, <<".*">>, <<".*">>, <<".*">>, <<"test">>)
            end || Host <- [{{string.Join(", ", names.Select(name => $"<<\"{name}\">>"))}}]].
            """);
        foreach (var name in names) _hosts.Enqueue(name);
    }

    private async Task ForgetAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>The node answers a protocol header with the method connection.start (AMQP 0-9-1 §2.2.4): a frame of type 1 on channel 0.</summary>
    private async Task<bool> GreetsAsync(CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, ct);
        var stream = client.GetStream();
        await stream.WriteAsync("AMQP\0\0\x09\x01"u8.ToArray(), ct);
        var frame = new byte[3];
        await stream.ReadExactlyAsync(frame, ct);
        return frame is [1, 0, 0];
    }

    private static async Task<bool> ConnectsAsync(int port, CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, ct);
        return true;
    }
}
