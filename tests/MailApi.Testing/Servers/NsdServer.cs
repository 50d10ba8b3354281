using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace MailApi.Testing;

/// <summary>A real authoritative name server, NSD, on loopback over UDP and TCP. It serves the zones that it was started with.</summary>
public sealed partial class NsdServer : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);
    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, int> _files = [];
    private int _serial;
    private ChildProcess? _process;

    private NsdServer()
    {
    }

    public int Port { get; } = FreePort.Next();

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Port);

    /// <summary><c>127.0.0.1:port</c>, the form of <c>Dns__Servers</c>.</summary>
    public string Address => EndPoint.ToString();

    /// <summary>Starts it.</summary>
    /// <param name="ct">Ends the start.</param>
    /// <param name="zones">
    /// Origins such as <c>shop.test</c> (the root is <c>.</c>) and zone files, their names relative to the origin. One without an SOA record
    /// gets one, with negative answers of one second, a name server <c>ns</c>, and its address 127.0.0.1.
    /// </param>
    public static async Task<NsdServer> StartAsync(CancellationToken ct, params IReadOnlyList<(string Origin, string ZoneText)> zones)
    {
        var server = new NsdServer();
        try
        {
            foreach (var (origin, text) in zones) server.Write(Absolute(origin), text);
            server._directory.Write("nsd.conf", server.Configuration());
            server._process = ChildProcess.Start(new Launch("/usr/sbin/nsd", "-d", "-c", server._directory["nsd.conf"]), server._directory["nsd.log"]);
            await server._process.WaitUntilReadyAsync(_ => server.ServesAsync(Absolute(zones[0].Origin), "SOA", ct), StartPatience, ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Replaces a zone and returns when the new one is served.</summary>
    /// <param name="origin">One that it was started with.</param>
    /// <param name="zoneText">As at the start; an SOA record of its own must have another serial number than before.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task ReloadAsync(string origin, string zoneText, CancellationToken ct)
    {
        origin = Absolute(origin);
        if (!_files.ContainsKey(origin)) throw new ArgumentException($"NSD was not started with the zone {origin}", nameof(origin));
        var serial = SoaSerial().Match(Write(origin, zoneText)).Groups[1].Value;
        await Command.RunAsync(new Launch("/usr/sbin/nsd-control", "-c", _directory["nsd.conf"], "reload", origin), ct);
        await Eventually.HoldsAsync(() => ServesAsync(origin, serial, ct), StartPatience, $"NSD serves the new {origin}: {_process?.Output}", ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.StopAsync(StopPatience);
            await _process.DisposeAsync();
        }
        _directory.Dispose();
    }

    private static string Absolute(string origin) => origin.TrimEnd('.') + ".";

    /// <returns>The text as served.</returns>
    private string Write(string origin, string text)
    {
        if (!_files.TryGetValue(origin, out var number)) _files[origin] = number = _files.Count;
        var apex = SoaSerial().IsMatch(text) ? "" : string.Create(CultureInfo.InvariantCulture, $"""
            $ORIGIN {origin}
            @ 1 IN SOA ns hostmaster {++_serial} 3600 600 86400 1
            @ 1 IN NS ns
            ns 1 IN A 127.0.0.1

            """);
        _directory.Write($"zone{number}", $"$TTL 1\n{apex}{text}\n");
        return apex + text;
    }

    private async Task<bool> ServesAsync(string origin, string expected, CancellationToken ct)
    {
        try
        {
            var answer = await Command.RunAsync(new Launch("drill", "-p", $"{Port}", "@127.0.0.1", origin, "SOA"), ct);
            return SoaSerial().Match(answer) is { Success: true } soa && (expected == "SOA" || soa.Groups[1].Value == expected);
        }
        catch (InvalidOperationException)
        {
            // Nobody listens yet.
            return false;
        }
    }

    private string Configuration() => $"""
        server:
          ip-address: 127.0.0.1@{Port}
          username: ""
          server-count: 1
          do-ip6: no
          zonesdir: "{_directory.Path}"
          database: ""
          pidfile: "{_directory["nsd.pid"]}"
          xfrdfile: "{_directory["xfrd.state"]}"
          xfrdir: "{_directory.Path}"
          zonelistfile: "{_directory["zone.list"]}"
          rrl-ratelimit: 0
        remote-control:
          control-enable: yes
          control-interface: "{_directory["nsd.sock"]}"
        {string.Concat(_files.Select(zone => $"zone:\n  name: \"{zone.Key}\"\n  zonefile: zone{zone.Value}\n"))}
        """;

    [GeneratedRegex(@"\sSOA\s+\S+\s+\S+\s+\(?\s*(\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex SoaSerial();
}
