using System.Net.Sockets;
using System.Security.Cryptography;
using MailApi.Mail.Dkim;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>Haraka with its plug-in for DKIM and its own queue on disk: <c>smtp-source</c> → Haraka → its routes, which it need not look up.</summary>
internal sealed class HarakaContender : IContender
{
    private const string Version = "3.3.4";
    private const string Selector = "bench";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);
    private readonly Course course;
    private readonly TempDirectory directory;
    private readonly ChildProcess process;
    private readonly int port;

    private HarakaContender(Course course, TempDirectory directory, ChildProcess process, int port, IReadOnlyDictionary<string, string> keyRecords, string node)
    {
        (this.course, this.directory, this.process, this.port, KeyRecords) = (course, directory, process, port, keyRecords);
        Setup = $"Haraka {Version}, Node.js {node}; a worker a core, `smtp-source` with {course.Connections} sessions kept open, no look-ups, no log. Its `250` is no commit: it does not fsync its queue, and opens a connection a message";
    }

    public string Name => "Haraka";
    public string Setup { get; }
    public IReadOnlyDictionary<string, string> KeyRecords { get; }
    public IEnumerable<(string Name, int Pid)> Processes => [("Haraka", process.Pid)];

    /// <exception cref="InvalidOperationException">npm could not install it; the message says why.</exception>
    public static async Task<HarakaContender> Start(Course course)
    {
        var programs = Path.Combine(Repository.Root, "artifacts/haraka");
        if (!File.Exists(Path.Combine(programs, "node_modules/.bin/haraka")))
        {
            Directory.CreateDirectory(programs);
            Console.WriteLine("Installing Haraka …");
            await Programs.Run(new Launch(Programs.Npm.Path, "install", "--prefix", programs, "--no-audit", "--no-fund", "--ignore-scripts", $"Haraka@{Version}") { WorkingDirectory = programs });
        }
        var directory = new TempDirectory();
        var port = FreePort.Next();
        var records = Configure(course, directory, port);
        // It does not start without one.
        File.Copy(Path.Combine(programs, "node_modules/Haraka/config/connection.ini"), directory["config/connection.ini"]);
        var process = ChildProcess.Start(new Launch(Path.Combine(programs, "node_modules/.bin/haraka"), "-c", directory.Path), directory["haraka.log"]);
        await process.WaitUntilReadyAsync(ct => Connects(port, ct), StartPatience, CancellationToken.None);
        return new HarakaContender(course, directory, process, port, records, await Programs.FirstLine(new Launch("node", "--version")));
    }

    public Generator Send(int messages, string label) =>
        Generator.SmtpSource(port, [.. course.Pairs.Select(pair => (pair.Sender, pair.Site))], messages, course.Connections, course.SizeBytes, label);

    /// <summary>It removes a message from its queue when it has the receiver's answer: a moment after the sink has counted it.</summary>
    public Task WaitUntilRecorded() => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        directory.Dispose();
    }

    private static Dictionary<string, string> Configure(Course course, TempDirectory directory, int port)
    {
        foreach (var name in (string[])["config", "config/dkim", "queue", "plugins"]) directory.Create(name);
        directory.Write("config/me", "haraka.test\n");
        directory.Write("config/smtp.ini", $"listen=127.0.0.1:{port}\nnodes={Environment.ProcessorCount}\n");
        directory.Write("config/plugins", "bench\ndkim\n");
        directory.Write("config/log.ini", "[main]\nlevel=crit\nformat=default\n");
        directory.Write("plugins/bench.js", Plugin(course));
        directory.Write("config/outbound.ini", "enable_tls=false\nlocal_mx_ok=true\ninet_prefer=v4\nconcurrency_max=100\n");
        directory.Write("config/dkim.ini", """
            [sign]
            enabled = true
            headers = From, Sender, Reply-To, Subject, Date, Message-ID, To, Cc, MIME-Version, Content-Type
            [canon]
            body = relaxed
            [verify]
            enabled = false
            """ + "\n");
        var records = new Dictionary<string, string>();
        foreach (var (sender, _, _) in course.Pairs)
        {
            using var rsa = RSA.Create(SigningKey.BitsDefault);
            directory.Create($"config/dkim/{sender}");
            directory.Write($"config/dkim/{sender}/private", rsa.ExportPkcs8PrivateKeyPem() + "\n");
            directory.Write($"config/dkim/{sender}/selector", Selector + "\n");
            records[$"{Selector}._domainkey.{sender}"] = SigningKey.Record(rsa.ExportSubjectPublicKeyInfo());
        }
        return records;
    }

    /// <summary>Takes everything from everybody, and knows the ways.</summary>
    private static string Plugin(Course course) => $$"""
        const { ok } = require('haraka-constants')
        const routes = { {{string.Join(", ", course.Pairs.Select(pair => $"'{pair.Site}': '{pair.Address}:{course.SinkPort}'"))}} }
        exports.hook_connect_init = (next, connection) => { connection.relaying = true; next() }
        exports.hook_rcpt = (next) => next(ok)
        exports.hook_get_mx = (next, hmail, domain) => next(ok, routes[domain])
        """ + "\n";

    private static async Task<bool> Connects(int port, CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, ct);
        return true;
    }
}
