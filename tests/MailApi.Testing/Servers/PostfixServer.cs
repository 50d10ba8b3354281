using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MimeKit;

namespace MailApi.Testing;

/// <summary>
/// A real Postfix that receives mail for <c>postfix.test</c> on loopback, offers STARTTLS with a self-signed certificate, and files
/// everything into one maildir. Local parts that begin with <c>missing</c> do not exist. Needs root.
/// </summary>
public sealed class PostfixServer : IAsyncDisposable
{
    public const string Domain = "postfix.test";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);
    private readonly TempDirectory _directory = new();
    private ChildProcess? _process;

    private PostfixServer()
    {
    }

    public int Port { get; } = FreePort.Next();

    /// <summary>The master, for signals.</summary>
    /// <exception cref="InvalidOperationException">It is stopped.</exception>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("Postfix is stopped.");

    /// <summary>What it shows after STARTTLS.</summary>
    public X509Certificate2 Certificate { get; } = TestCertificate.For($"mx.{Domain}");

    /// <summary>What it has logged, the last 16 KB.</summary>
    public string Log => ChildProcess.Tail(_directory["postfix.log"]);

    /// <param name="settings">Lines of <c>main.cf</c> that add to ours or replace them, such as <c>smtpd_milters</c>.</param>
    /// <param name="ct">Ends the start.</param>
    public static async Task<PostfixServer> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        var server = new PostfixServer();
        try
        {
            await server.ConfigureAsync(settings, ct);
            await server.StartAgainAsync(ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it after <see cref="StopAsync"/> on the same port, with the same mail.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        // Not "postfix start-fg", a script that leaves the master behind when it is ended.
        _process = ChildProcess.Start(new Launch("/usr/lib/postfix/sbin/master", "-c", _directory["etc"], "-s"), _directory["postfix.log"]);
        await _process.WaitUntilReadyAsync(GreetsAsync, StartPatience, ct);
    }

    public async Task StopAsync()
    {
        if (_process is null) return;
        await _process.StopAsync(StopPatience);
        await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>What has been delivered, oldest first, as it lies in the maildir: with Return-Path, Delivered-To, Received and bare LFs.</summary>
    public IReadOnlyList<byte[]> Files() =>
        Directory.Exists(_directory["mail/inbox/new"])
            ? [.. new DirectoryInfo(_directory["mail/inbox/new"]).GetFiles().OrderBy(file => file.LastWriteTimeUtc).Select(file => File.ReadAllBytes(file.FullName))]
            : [];

    /// <summary><see cref="Files"/>, read with MimeKit.</summary>
    public IReadOnlyList<MimeMessage> Messages() => [.. Files().Select(Read)];

    /// <summary>The first delivered message that fits.</summary>
    /// <exception cref="TimeoutException">There is none; the message holds the log.</exception>
    public async Task<MimeMessage> WaitFor(Func<MimeMessage, bool> fits, TimeSpan timeout) => Read(await WaitForFile(fits, timeout));

    /// <summary>The file of the first delivered message that fits.</summary>
    /// <inheritdoc cref="WaitFor"/>
    public async Task<byte[]> WaitForFile(Func<MimeMessage, bool> fits, TimeSpan timeout)
    {
        byte[]? found = null;
        try
        {
            await Eventually.HoldsAsync(() => (found = Files().FirstOrDefault(file => fits(Read(file)))) is not null, timeout, "delivered by Postfix", CancellationToken.None);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Log}");
        }
        return found!;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Certificate.Dispose();
        _directory.Dispose();
    }

    private static MimeMessage Read(byte[] file) => MimeMessage.Load(new MemoryStream(file));

    private async Task ConfigureAsync(IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        _directory.Create("etc");
        _directory.Create("spool");
        foreach (var (name, owner) in (IEnumerable<(string, string)>)[("data", "postfix"), ("mail", "nobody")])
        {
            _directory.Create(name);
            await Command.RunAsync(new Launch("chown", owner, _directory[name]), ct);
        }
        _directory.Write("etc/tls.pem", $"{Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()}\n{Certificate.ExportCertificatePem()}\n");
        File.SetUnixFileMode(_directory["etc/tls.pem"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _directory.Write("etc/mailboxes", "!/^missing/ inbox/\n");
        _directory.Write("etc/main.cf", MainFile(settings));
        _directory.Write("etc/master.cf", MasterFile());
        // Makes the directories of the queue.
        await Command.RunAsync(new Launch("/usr/sbin/postfix", "-c", _directory["etc"], "check"), ct);
    }

    private string MainFile(IReadOnlyDictionary<string, string> settings)
    {
        var all = new Dictionary<string, string>
        {
            ["compatibility_level"] = "3.6",
            ["queue_directory"] = _directory["spool"],
            ["data_directory"] = _directory["data"],
            ["myhostname"] = $"mx.{Domain}",
            ["inet_interfaces"] = "127.0.0.1",
            ["inet_protocols"] = "ipv4",
            ["mynetworks"] = "",
            ["mydestination"] = "",
            ["alias_maps"] = "",
            ["alias_database"] = "",
            ["maillog_file"] = "/dev/stdout",
            ["smtpd_peername_lookup"] = "no",
            ["smtpd_tls_security_level"] = "may",
            ["smtpd_tls_chain_files"] = _directory["etc/tls.pem"],
            ["smtpd_tls_received_header"] = "yes",
            ["virtual_mailbox_domains"] = Domain,
            ["virtual_mailbox_base"] = _directory["mail"],
            ["virtual_mailbox_maps"] = $"regexp:{_directory["etc/mailboxes"]}",
            ["virtual_minimum_uid"] = "100",
            ["virtual_uid_maps"] = "static:65534",
            ["virtual_gid_maps"] = "static:65534",
            // Concerns mail of its own, such as bounces, of which these tests want none to leave.
            ["default_transport"] = "discard",
            ["relay_transport"] = "discard",
        };
        foreach (var (name, value) in settings) all[name] = value;
        return string.Concat(all.Select(setting => $"{setting.Key} = {setting.Value}\n"));
    }

    private string MasterFile() => $"""
        127.0.0.1:{Port} inet n - n - - smtpd
        pickup    unix  n - n 60 1 pickup
        cleanup   unix  n - n - 0 cleanup
        qmgr      unix  n - n 300 1 qmgr
        tlsmgr    unix  - - n 1000? 1 tlsmgr
        rewrite   unix  - - n - - trivial-rewrite
        bounce    unix  - - n - 0 bounce
        defer     unix  - - n - 0 bounce
        trace     unix  - - n - 0 bounce
        verify    unix  - - n - 1 verify
        flush     unix  n - n 1000? 0 flush
        proxymap  unix  - - n - - proxymap
        smtp      unix  - - n - - smtp
        error     unix  - - n - - error
        retry     unix  - - n - - error
        discard   unix  - - n - - discard
        local     unix  - n n - - local
        virtual   unix  - n n - - virtual
        lmtp      unix  - - n - - lmtp
        anvil     unix  - - n - 1 anvil
        scache    unix  - - n - 1 scache
        postlog   unix-dgram n - n - 1 postlogd
        """ + "\n";

    private async Task<bool> GreetsAsync(CancellationToken ct)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, ct);
        var greeting = new byte[4];
        await client.GetStream().ReadExactlyAsync(greeting, ct);
        return Encoding.ASCII.GetString(greeting) == "220 ";
    }
}
