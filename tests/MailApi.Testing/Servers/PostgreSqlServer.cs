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
    private readonly string _data;
    private ChildProcess? _process;
    private int _databases;

    private PostgreSqlServer(string? place) => _data = place is null ? _directory["data"] : Path.Combine(place, "data");

    public int Port { get; } = FreePort.Next();

    /// <summary>The postmaster, for signals.</summary>
    /// <exception cref="InvalidOperationException">The server is stopped.</exception>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("PostgreSQL is stopped.");

    /// <summary>The server's own from its next start on; null: the machine's.</summary>
    public FakeClock? Clock { get; set; }

    /// <summary>Where its data are, after <see cref="MoveToSmallDiskAsync"/>.</summary>
    public SmallDisk? Disk { get; private set; }

    /// <param name="ct">Ends the start.</param>
    /// <param name="place">A directory to keep the data in, such as a small disk; else one of its own.</param>
    public static async Task<PostgreSqlServer> StartAsync(CancellationToken ct, string? place = null)
    {
        var server = new PostgreSqlServer(place);
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

    /// <summary>As the superuser, whom no row level security holds.</summary>
    public string AdminConnectionString(string database) => $"Host={_directory["socket"]};Port={Port};Database={database};Username=postgres";

    /// <summary>Makes an empty database that <see cref="User"/> owns and returns its name.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken ct)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _databases)}");
        await AdminAsync($"create database {name} owner {User}", ct);
        return name;
    }

    /// <summary>
    /// Starts a second server that repeats what is written to this one (streaming replication). From now on a commit is answered once both have it on disk.
    /// </summary>
    public async Task<PostgreSqlServer> StartSynchronousStandbyAsync(CancellationToken ct)
    {
        var standby = new PostgreSqlServer(null);
        try
        {
            await standby.CreateDirectoriesAsync(ct);
            await Command.RunAsync(new Launch(Path.Combine(_programs, "pg_basebackup"),
                "-D", standby._data, "-h", _directory["socket"], "-p", $"{Port}", "-U", "postgres", "-X", "stream", "-R", "-c", "fast", "--no-sync").As("postgres"), ct);
            await standby.StartAgainAsync(ct);
            await AdminAsync("alter system set synchronous_standby_names = '*'", ct);
            await AdminAsync("select pg_reload_conf()", ct);
            await Eventually.HoldsAsync(
                async () => await AdminAsync("select count(*) from pg_stat_replication where sync_state = 'sync' and state = 'streaming'", ct) == "1", StartPatience, "the standby is synchronous", ct);
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a standby the primary.</summary>
    public async Task PromoteAsync(CancellationToken ct)
    {
        // It has nobody who repeats what it writes, and would wait for one.
        await AdminAsync("alter system set synchronous_standby_names = ''", ct);
        await AdminAsync("select pg_reload_conf()", ct);
        await AdminAsync("select pg_promote()", ct);
    }

    /// <summary>Runs one of PostgreSQL's own programs against this server as the superuser, and returns what it wrote.</summary>
    public Task<string> RunAsync(string program, CancellationToken ct, params IEnumerable<string> arguments) =>
        Command.RunAsync(new Launch(Path.Combine(_programs, program), ["-h", _directory["socket"], "-p", $"{Port}", "-U", "postgres", .. arguments]), ct);

    /// <summary>Runs statements as the superuser and returns the rows, fields parted by <c>|</c>.</summary>
    /// <exception cref="InvalidOperationException">PostgreSQL refused one.</exception>
    public async Task<string> AdminAsync(string sql, CancellationToken ct, string database = "postgres") =>
        (await Command.RunAsync(new Launch(Path.Combine(_programs, "psql"),
            "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", _directory["socket"], "-p", $"{Port}", "-U", "postgres", "-d", database), ct, sql)).Trim();

    /// <summary>Starts the server after <see cref="StopAsync"/> or <see cref="KillAsync"/> with the same port and data.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        // The clock's variables come after the change of user: what its library shares belongs to who loads it.
        string[] clock = [.. Clock?.Environment.Select(it => $"{it.Key}={it.Value}") ?? []];
        _process = ChildProcess.Start(new Launch("env", [.. clock, Path.Combine(_programs, "postgres"),
            "-D", _data, "-p", $"{Port}",
            "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={_directory["socket"]}",
            "-c", "max_connections=300", "-c", "log_min_messages=warning"]).As("postgres"), _directory["postgres.log"]);
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

    /// <summary>Stops the server, moves its data to a disk of their own, and starts it again.</summary>
    /// <param name="megabytes">The disk's size; an empty cluster takes about 60.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task MoveToSmallDiskAsync(int megabytes, CancellationToken ct)
    {
        await StopAsync();
        await Command.RunAsync(new Launch("cp", "-a", _data, _directory["moving"]), ct);
        Disk = await SmallDisk.MountAsync(_data, megabytes, ct);
        // With its owner and mode, which the server insists on.
        await Command.RunAsync(new Launch("cp", "-aT", _directory["moving"], _data), ct);
        await StartAgainAsync(ct);
    }

    /// <summary>Cuts every connection of <see cref="User"/> and returns how many there were.</summary>
    public async Task<int> TerminateConnectionsAsync(CancellationToken ct) => int.Parse(
        await AdminAsync($"select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{User}'", ct), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        if (Disk is not null) await Disk.DisposeAsync();
        _directory.Dispose();
    }

    private async Task ForgetAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }

    private async Task InitializeAsync(CancellationToken ct)
    {
        await CreateDirectoriesAsync(ct);
        // The superuser comes through the socket in our own directory; over TCP everybody needs a password. --no-sync concerns initdb alone.
        await Command.RunAsync(new Launch(Path.Combine(_programs, "initdb"),
            "-D", _data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "--auth-local=trust", "--auth-host=scram-sha-256").As("postgres"), ct);
    }

    private async Task CreateDirectoriesAsync(CancellationToken ct)
    {
        _directory.Create("socket");
        Directory.CreateDirectory(_data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var path in (string[])[_data, _directory["socket"]])
            if (ProcessTree.RunsAsRoot) await Command.RunAsync(new Launch("chown", "postgres:postgres", path), ct);
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
