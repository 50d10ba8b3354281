using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Testing;

/// <summary>
/// A real Exim that takes all mail for <c>exim.test</c> on loopback and finds out later that local parts beginning with <c>missing</c> do not exist, so that it
/// bounces them to the server it is given. Debian has no Exim beside a Postfix: <c>tests/run.sh</c> unpacks it below <c>artifacts/exim</c>. Needs root.
/// </summary>
public sealed class EximServer : IAsyncDisposable
{
    public const string Domain = "exim.test";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();
    private ChildProcess? _process;

    private EximServer()
    {
    }

    public int Port { get; } = FreePort.Next();

    /// <summary>What it has logged, the last 16 KB.</summary>
    public string Log => ChildProcess.Tail(_directory["spool/log-main"]);

    /// <param name="bouncePort">Where on loopback its own mail goes.</param>
    /// <param name="ct">Ends the start.</param>
    public static async Task<EximServer> StartAsync(int bouncePort, CancellationToken ct)
    {
        var server = new EximServer();
        try
        {
            var program = Path.Combine(Repository.Root, "artifacts/exim/usr/sbin/exim4");
            server._directory.Create("spool");
            var config = server._directory.Write("exim.conf", server.Configuration(program, bouncePort));
            await Command.RunAsync(new Launch("chown", "mail:mail", server._directory["spool"]), ct);
            server._process = ChildProcess.Start(new Launch(program, "-C", config, "-bdf", "-q1s"), server._directory["exim.log"]);
            await server._process.WaitUntilReadyAsync(server.GreetsAsync, StartPatience, ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
        _directory.Dispose();
    }

    private string Configuration(string program, int bouncePort) => $$"""
        exim_path = {{program}}
        exim_user = mail
        exim_group = mail
        spool_directory = {{_directory["spool"]}}
        log_file_path = {{_directory["spool"]}}/log-%s
        daemon_smtp_ports = {{Port.ToString(CultureInfo.InvariantCulture)}}
        local_interfaces = 127.0.0.1
        primary_hostname = mx.{{Domain}}
        tls_advertise_hosts =
        acl_smtp_rcpt = accept
        keep_environment =
        begin routers
        gone:
          driver = redirect
          domains = {{Domain}}
          condition = ${if match{$local_part}{^missing} }
          allow_fail
          data = :fail: Unrouteable address
        taken:
          driver = accept
          domains = {{Domain}}
          transport = discard
        out:
          driver = manualroute
          route_list = * 127.0.0.1::{{bouncePort.ToString(CultureInfo.InvariantCulture)}}
          self = send
          transport = out
        begin transports
        discard:
          driver = appendfile
          file = /dev/null
          user = mail
        out:
          driver = smtp
          hosts_try_dane =
          tls_verify_certificates =
        begin retry
        * * F,1h,1s

        """;

    private async Task<bool> GreetsAsync(CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, ct);
        var greeting = new byte[4];
        await client.GetStream().ReadExactlyAsync(greeting, ct);
        return Encoding.ASCII.GetString(greeting) == "220 ";
    }
}
