using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Testing;

/// <summary>A real SpamAssassin daemon on loopback, with local tests only and a home of its own. It takes some seconds to start.</summary>
public sealed class SpamdServer : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();
    private ChildProcess? _process;

    private SpamdServer()
    {
    }

    public IPEndPoint EndPoint { get; } = new(IPAddress.Loopback, FreePort.Next());

    /// <summary>The server, for signals.</summary>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("spamd is stopped.");

    public static async Task<SpamdServer> StartAsync(CancellationToken ct)
    {
        var server = new SpamdServer();
        try
        {
            await server.RunAsync(ct);
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

    private async Task RunAsync(CancellationToken ct)
    {
        // Nothing learned from one message may weigh in the next: no Bayes, no automatic list of welcome senders.
        var settings = _directory.Write("local.cf", "use_bayes 0\nuse_auto_welcomelist 0\nreport_safe 0\n");
        _process = ChildProcess.Start(new Launch("spamd",
            "--local", "--nouser-config", "--max-children=2", "--min-children=1", $"--listen={EndPoint}", "--allowed-ips=127.0.0.1", "--syslog=stderr",
            $"--siteconfigpath={SiteDirectory(settings)}", $"--helper-home-dir={_directory.Path}"), _directory["spamd.log"]);
        await _process.WaitUntilReadyAsync(AnswersAsync, StartPatience, ct);
    }

    /// <summary>Debian's plug-ins with our settings.</summary>
    private string SiteDirectory(string settings)
    {
        var site = _directory.Create("site");
        foreach (var plugins in Directory.GetFiles("/etc/spamassassin", "*.pre")) File.Copy(plugins, Path.Combine(site, Path.GetFileName(plugins)));
        File.Copy(settings, Path.Combine(site, "local.cf"));
        return site;
    }

    private async Task<bool> AnswersAsync(CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(EndPoint, ct);
        await client.GetStream().WriteAsync("PING SPAMC/1.5\r\n\r\n"u8.ToArray(), ct);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadLineAsync(ct) is { } answer && answer.EndsWith("PONG", StringComparison.Ordinal);
    }
}
