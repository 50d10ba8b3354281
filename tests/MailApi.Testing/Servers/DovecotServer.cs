using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Testing;

/// <summary>A real Dovecot that serves the Maildirs of two users by IMAP and POP3, with TLS from the first octet and after STARTTLS, to their password and, where a token server is given, its tokens. Needs root.</summary>
public sealed class DovecotServer : IAsyncDisposable
{
    /// <summary>What the certificate is for.</summary>
    public const string Host = "mail.dovecot.test";
    public const string User = "bounces@dovecot.test";

    /// <summary>Has a mailbox and the same password.</summary>
    public const string Other = "other@dovecot.test";
    public const string Password = "correct horse, 42=Ünal";

    private const UnixFileMode ForEveryone = (UnixFileMode)0b111_111_111;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();
    private ChildProcess? _process;
    private int _delivered;

    private DovecotServer()
    {
    }

    public int Imaps { get; } = FreePort.Next();
    public int Imap { get; } = FreePort.Next();
    public int Pop3s { get; } = FreePort.Next();
    public int Pop3 { get; } = FreePort.Next();

    /// <summary>Self-signed.</summary>
    public X509Certificate2 Certificate { get; } = TestCertificate.For(Host);

    /// <summary>What it has logged, the last 16 KB.</summary>
    public string Log => ChildProcess.Tail(_directory["dovecot.log"]);

    /// <param name="tokens">Whose tokens are taken for its user's; null: none.</param>
    /// <param name="imapCapabilities">What IMAP offers after the login; null: all that Dovecot can do.</param>
    /// <param name="ct">Ends the start.</param>
    public static async Task<DovecotServer> StartAsync(TokenServer? tokens, string? imapCapabilities, CancellationToken ct)
    {
        var server = new DovecotServer();
        try
        {
            server.Configure(tokens, imapCapabilities);
            await server.StartAgainAsync(ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it with the same mail on the same ports.</summary>
    public async Task StartAgainAsync(CancellationToken ct)
    {
        _process = ChildProcess.Start(new Launch("/usr/sbin/dovecot", "-F", "-c", _directory["dovecot.conf"]), _directory["dovecot.log"]);
        await _process.WaitUntilReadyAsync(GreetsAsync, StartPatience, ct);
    }

    public async Task StopAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>Puts a message into a mailbox, as a local delivery does.</summary>
    public void Deliver(ReadOnlySpan<byte> message, string user = User, string? deliveredTo = null)
    {
        var number = Interlocked.Increment(ref _delivered);
        var name = string.Create(CultureInfo.InvariantCulture, $"{1_000_000_000 + number}.M{number}P{Environment.ProcessId}.dovecot.test");
        var written = Path.Combine(Maildir(user), "tmp", name);
        using (var file = File.Create(written))
        {
            if (deliveredTo is not null) file.Write(System.Text.Encoding.ASCII.GetBytes($"Delivered-To: {deliveredTo}\r\n"));
            file.Write(message);
        }
        File.SetUnixFileMode(written, ForEveryone);
        File.Move(written, Path.Combine(Maildir(user), "new", name));
    }

    /// <summary>Removes every message of a user's INBOX, as a person does who cleans up.</summary>
    public void Clear(string user = User)
    {
        foreach (var part in (string[])["new", "cur"])
            foreach (var file in Directory.GetFiles(Path.Combine(Maildir(user), part)))
                File.Delete(file);
    }

    /// <summary>The file names of a folder's messages, which end with their flags: <c>:2,S</c>.</summary>
    public IReadOnlyList<string> Messages(string folder = "INBOX", string user = User)
    {
        var maildir = folder == "INBOX" ? Maildir(user) : Path.Combine(Maildir(user), "." + folder);
        return [.. from part in (string[])["new", "cur"]
                   let directory = Path.Combine(maildir, part)
                   where Directory.Exists(directory)
                   from file in Directory.GetFiles(directory)
                   select Path.GetFileName(file)];
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
        Certificate.Dispose();
    }

    private string Maildir(string user) => _directory[$"mail/{user}"];

    private void Configure(TokenServer? tokens, string? imapCapabilities)
    {
        foreach (var user in (string[])[User, Other])
            foreach (var part in (string[])["", "/new", "/cur", "/tmp"])
                File.SetUnixFileMode(_directory.Create($"mail/{user}{part}"), ForEveryone);
        var users = _directory.Write("users", string.Concat(((string[])[User, Other]).Select(user => $"{user}:{{PLAIN}}{Password}:::::\n")));
        var certificate = _directory.Write("tls.pem", $"{Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()}\n{Certificate.ExportCertificatePem()}\n");
        _directory.Write("dovecot.conf", $$"""
            base_dir = {{_directory.Create("run")}}
            state_dir = {{_directory.Create("state")}}
            log_path = /dev/stderr
            auth_verbose = yes
            auth_failure_delay = 0
            protocols = imap pop3
            ssl = required
            ssl_cert = <{{certificate}}
            ssl_key = <{{certificate}}
            auth_mechanisms = plain login cram-md5 scram-sha-256 {{(tokens is null ? "" : "xoauth2 oauthbearer")}}
            mail_location = maildir:{{_directory["mail"]}}/%u
            {{(imapCapabilities is null ? "" : "imap_capability = " + imapCapabilities)}}
            namespace inbox {
              inbox = yes
              separator = .
            }
            {{(tokens is null ? "" : DovecotSasl.ByToken(_directory, tokens))}}
            passdb {
              driver = passwd-file
              mechanisms = plain login cram-md5 scram-sha-256
              args = username_format=%u {{users}}
            }
            userdb {
              driver = static
              args = uid=nobody gid=nogroup home={{_directory["mail"]}}/%u
            }
            {{Listener("imap", Imap, Imaps)}}
            {{Listener("pop3", Pop3, Pop3s)}}
            # Else an address that fails to log in is made to wait from then on.
            service anvil {
              unix_listener anvil-auth-penalty {
                mode = 0
              }
            }
            """ + "\n");
    }

    private static string Listener(string protocol, int plain, int tls) => string.Create(CultureInfo.InvariantCulture, $$"""
        service {{protocol}}-login {
          inet_listener {{protocol}} {
            address = 127.0.0.1
            port = {{plain}}
          }
          inet_listener {{protocol}}s {
            address = 127.0.0.1
            port = {{tls}}
            ssl = yes
          }
        }
        """);

    private async Task<bool> GreetsAsync(CancellationToken ct)
    {
        foreach (var (port, greeting) in new[] { (Imap, "* OK"), (Pop3, "+OK") })
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, ct);
            var octets = new byte[greeting.Length];
            await client.GetStream().ReadExactlyAsync(octets, ct);
            if (System.Text.Encoding.ASCII.GetString(octets) != greeting) return false;
        }
        return true;
    }
}
