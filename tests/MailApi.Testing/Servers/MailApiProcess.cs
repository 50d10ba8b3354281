using System.Net;
using System.Net.Http.Headers;

namespace MailApi.Testing;

/// <summary>
/// The published program in a process of its own, with a data directory that outlives its restarts. It is the file that
/// <c>MAILAPI_BINARY</c> names, else <c>artifacts/publish/MailApi</c> in the repository.
/// </summary>
public sealed class MailApiProcess : IAsyncDisposable
{
    /// <summary>The operator's key of every instance.</summary>
    public const string AdminKey = "operator-key-of-the-tests-0123456789abcdef";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, string?> _settings;
    private readonly Launch _program;
    private ChildProcess? _process;

    private MailApiProcess(Launch program, IReadOnlyDictionary<string, string> settings)
    {
        _program = program;
        BaseAddress = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        ManagementAddress = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        _settings = new Dictionary<string, string?>
        {
            ["Urls"] = BaseAddress.GetLeftPart(UriPartial.Authority),
            ["Management__Urls"] = ManagementAddress.GetLeftPart(UriPartial.Authority),
            ["DataDirectory"] = _directory["data"],
            ["Admin__Key"] = AdminKey,
        };
        foreach (var (name, value) in settings) _settings[name] = value;
        Http = new HttpClient { BaseAddress = BaseAddress };
        Admin = WithKey(AdminKey);
    }

    /// <summary>The published program as it is, without any setting.</summary>
    /// <exception cref="FileNotFoundException">It has not been published.</exception>
    public static Launch Program => Run(Binary());

    /// <summary>Of the public API.</summary>
    public Uri BaseAddress { get; }

    /// <summary>Of health and metrics.</summary>
    public Uri ManagementAddress { get; }

    public string DataDirectory => _settings["DataDirectory"]!;

    /// <summary>Without a key.</summary>
    public HttpClient Http { get; }

    /// <summary>With the operator's key.</summary>
    public HttpClient Admin { get; }

    /// <summary>The last 16 KB that the program wrote, over all its starts.</summary>
    public string Output => ChildProcess.Tail(_directory["mailapi.log"]);

    /// <summary>The running program, for signals.</summary>
    /// <exception cref="InvalidOperationException">It is stopped.</exception>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("MailApi is stopped.");

    /// <summary>Starts the program and waits until it is ready.</summary>
    /// <param name="settings">Environment variables as <c>Store__Provider</c>; addresses, data directory and operator's key are set already.</param>
    /// <param name="ct">Ends the start.</param>
    public static Task<MailApiProcess> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken ct) => StartAsync(Program, settings, ct);

    /// <param name="binary">Another build of the program.</param>
    /// <inheritdoc cref="StartAsync(IReadOnlyDictionary{string, string}, CancellationToken)"/>
    public static Task<MailApiProcess> StartAsync(string binary, IReadOnlyDictionary<string, string> settings, CancellationToken ct) => StartAsync(Run(binary), settings, ct);

    private static async Task<MailApiProcess> StartAsync(Launch program, IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        var api = new MailApiProcess(program, settings);
        try
        {
            await api.StartAgainAsync(ct);
            return api;
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the program with settings that it must refuse, and returns its exit code and what it wrote.</summary>
    /// <exception cref="TimeoutException">It did not end.</exception>
    public static async Task<(int ExitCode, string Output)> StartRefusedAsync(IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        await using var api = new MailApiProcess(Program, settings);
        api.Launch();
        return (await api.Process.WaitForExitAsync(StartPatience, ct), api.Output);
    }

    /// <summary>Starts the program and does not wait until it is ready.</summary>
    public static MailApiProcess Begin(IReadOnlyDictionary<string, string> settings)
    {
        var api = new MailApiProcess(Program, settings);
        api.Launch();
        return api;
    }

    /// <summary>Runs one of the operator's commands with the settings of this process, and returns what it wrote.</summary>
    public Task<string> RunAsync(CancellationToken ct, params IEnumerable<string> command) =>
        Command.RunAsync(_program with { Arguments = [.. _program.Arguments, .. command], Environment = _settings }, ct);

    /// <summary>A client that sends this key with every request.</summary>
    public HttpClient WithKey(string key) => new()
    {
        BaseAddress = BaseAddress,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) },
    };

    /// <summary>Starts the program again with the same addresses, settings and data directory.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        Launch();
        await Process.WaitUntilReadyAsync(IsReadyAsync, StartPatience, ct);
    }

    /// <summary>As <see cref="StartAgainAsync"/>, without waiting until it is ready: what it cannot reach may still be away.</summary>
    public void Launch() => _process = ChildProcess.Start(_program with { Environment = _settings }, _directory["mailapi.log"]);

    /// <summary>Changes a setting for the next start; null removes it.</summary>
    public void Set(string name, string? value) => _settings[name] = value;

    /// <summary>Whether a process is there, be it ready or not.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary><c>kill -9</c>.</summary>
    public async Task Kill9Async()
    {
        await Process.KillAsync();
        await ForgetAsync();
    }

    /// <summary>SIGTERM, and SIGKILL if the program has not ended within <paramref name="grace"/>.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public async Task<bool> TerminateAsync(TimeSpan grace)
    {
        var ended = await Process.StopAsync(grace);
        await ForgetAsync();
        return ended;
    }

    /// <summary>SIGTERM, half a minute's patience, and the next start.</summary>
    public async Task RestartAsync(CancellationToken ct)
    {
        await TerminateAsync(TimeSpan.FromSeconds(30));
        await StartAgainAsync(ct);
    }

    /// <summary>Whether <c>GET /health/ready</c> answers 200.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        using var response = await Http.GetAsync(new Uri(ManagementAddress, "/health/ready"), ct);
        return response.StatusCode == HttpStatusCode.OK;
    }

    public async ValueTask DisposeAsync()
    {
        await ForgetAsync();
        Http.Dispose();
        Admin.Dispose();
        _directory.Dispose();
    }

    private async Task ForgetAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }

    private static Launch Run(string binary) => binary.EndsWith(".dll", StringComparison.Ordinal) ? new Launch("dotnet", binary) : new Launch(binary);

    private static string Binary()
    {
        string[] candidates = Environment.GetEnvironmentVariable("MAILAPI_BINARY") is { Length: > 0 } named
            ? [named]
            : [Path.Combine(Repository.Root, "artifacts/publish/MailApi"), Path.Combine(Repository.Root, "artifacts/publish/MailApi.dll")];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"No {string.Join(" or ", candidates)}: run 'dotnet publish src/MailApi -o artifacts/publish', or tests/run.sh.");
    }
}
