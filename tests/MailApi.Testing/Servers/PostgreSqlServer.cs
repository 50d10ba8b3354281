using System.Globalization;

namespace MailApi.Testing;

/// <summary>
/// A real PostgreSQL with its own cluster and port. The role <see cref="User"/> is no superuser and owns the database of the same name,
/// so that row level security holds as in production. Commits reach the disk.
/// </summary>
public sealed class PostgreSqlServer : IAsyncDisposable
{
    public const string User = "mailapi";
    private const string Password = "mailapi-test";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);
    private readonly TempDirectory _directory = new();
    private readonly string _programs = Programs();
    private ChildProcess? _process;
    private int _databases;

    private PostgreSqlServer()
    {
    }

    public int Port { get; } = FreePort.Next();

    /// <summary>The postmaster, for signals.</summary>
    /// <exception cref="InvalidOperationException">The server is stopped.</exception>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("PostgreSQL is stopped.");

    public static async Task<PostgreSqlServer> StartAsync(CancellationToken ct)
    {
        var server = new PostgreSqlServer();
        try
        {
            await server.InitializeAsync(ct);
            await server.StartAgainAsync(ct);
            await server.AdminAsync($"create role {User} login password '{Password}'; ", ct);
            await server.AdminAsync($"create database {User} owner {User}", ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Of the database <see cref="User"/>.</summary>
    public string ConnectionString() => ConnectionString(User);

    public string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={Port};Database={database};Username={User};Password={Password};Include Error Detail=true";

    /// <summary>Makes an empty database that <see cref="User"/> owns and returns its name.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken ct)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _databases)}");
        await AdminAsync($"create database {name} owner {User}", ct);
        return name;
    }

    /// <summary>Runs statements as the superuser and returns the rows, fields parted by <c>|</c>.</summary>
    /// <exception cref="InvalidOperationException">PostgreSQL refused one.</exception>
    public async Task<string> AdminAsync(string sql, CancellationToken ct, string database = "postgres") =>
        (await Command.RunAsync(new Launch(Path.Combine(_programs, "psql"),
            "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", _directory["socket"], "-p", $"{Port}", "-U", "postgres", "-d", database), ct, sql)).Trim();

    /// <summary>Starts the server after <see cref="StopAsync"/> or <see cref="KillAsync"/> with the same port and data.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        _process = ChildProcess.Start(new Launch(Path.Combine(_programs, "postgres"),
            "-D", _directory["data"], "-p", $"{Port}",
            "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={_directory["socket"]}",
            "-c", "max_connections=300", "-c", "log_min_messages=warning").As("postgres"), _directory["postgres.log"]);
        await _process.WaitUntilReadyAsync(AnswersAsync, StartPatience, ct);
    }

    /// <summary>The fast shutdown: open transactions are rolled back, connections closed.</summary>
    public async Task StopAsync()
    {
        await Process.StopAsync(StopPatience, ProcessTree.Interrupt);
        await ForgetAsync();
    }

    /// <summary><c>kill -9</c> of the postmaster and of every worker.</summary>
    public async Task KillAsync()
    {
        await Process.KillAsync();
        await ForgetAsync();
    }

    /// <summary>Cuts every connection of <see cref="User"/> and returns how many there were.</summary>
    public async Task<int> TerminateConnectionsAsync(CancellationToken ct) => int.Parse(
        await AdminAsync($"select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{User}'", ct), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _directory.Dispose();
    }

    private async Task ForgetAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }

    private async Task InitializeAsync(CancellationToken ct)
    {
        foreach (var name in (string[])["data", "socket"])
        {
            _directory.Create(name);
            if (ProcessTree.RunsAsRoot) await Command.RunAsync(new Launch("chown", "postgres:postgres", _directory[name]), ct);
        }
        // The superuser comes through the socket in our own directory; over TCP everybody needs a password. --no-sync concerns initdb alone.
        await Command.RunAsync(new Launch(Path.Combine(_programs, "initdb"),
            "-D", _directory["data"], "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "--auth-local=trust", "--auth-host=scram-sha-256").As("postgres"), ct);
    }

    private async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            return await AdminAsync("select 1", ct) == "1";
        }
        catch (InvalidOperationException)
        {
            // psql: not yet listening, or still recovering.
            return false;
        }
    }

    /// <summary>Debian keeps the programs of each version apart.</summary>
    private static string Programs() =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).OrderDescending().FirstOrDefault() ?? ""
            : "";
}
