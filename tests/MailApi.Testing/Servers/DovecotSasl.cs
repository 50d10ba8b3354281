using System.Net.Sockets;
using System.Text;

namespace MailApi.Testing;

/// <summary>A real Dovecot as SASL server for Postfix, with one user's password and, where a token server is given, its tokens. Needs root.</summary>
public sealed class DovecotSasl : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();
    private ChildProcess? _process;

    private DovecotSasl()
    {
    }

    /// <summary>The socket that Postfix asks, as <c>smtpd_sasl_path</c>.</summary>
    public string Path => _directory["auth"];

    /// <summary>What it has logged, the last 16 KB.</summary>
    public string Log => ChildProcess.Tail(_directory["dovecot.log"]);

    /// <summary>Lines of Postfix's <c>main.cf</c> that make it ask this server.</summary>
    public Dictionary<string, string> PostfixSettings => new()
    {
        ["smtpd_sasl_auth_enable"] = "yes",
        ["smtpd_sasl_type"] = "dovecot",
        ["smtpd_sasl_path"] = Path,
        ["smtpd_sasl_authenticated_header"] = "yes",
        ["smtpd_client_restrictions"] = "permit_sasl_authenticated, reject",
    };

    public static async Task<DovecotSasl> StartAsync(SinkCredentials user, TokenServer? tokens, CancellationToken ct)
    {
        var server = new DovecotSasl();
        try
        {
            server.Configure(user, tokens);
            server._process = ChildProcess.Start(new Launch("/usr/sbin/dovecot", "-F", "-c", server._directory["dovecot.conf"]), server._directory["dovecot.log"]);
            await server._process.WaitUntilReadyAsync(server.GreetsAsync, StartPatience, ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lines of a configuration that take the tokens of a server.</summary>
    internal static string ByToken(TempDirectory directory, TokenServer tokens) => $$"""
        passdb {
          driver = oauth2
          mechanisms = xoauth2 oauthbearer
          args = {{directory.Write("oauth2.conf", $"introspection_url = {tokens.IntrospectionUrl}\nintrospection_mode = get\nusername_attribute = email\nactive_attribute = active\nactive_value = true\n")}}
        }
        """;

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
        _directory.Dispose();
    }

    private void Configure(SinkCredentials user, TokenServer? tokens)
    {
        var users = _directory.Write("users", $"{user.User}:{{PLAIN}}{user.Password}:::::\n");
        var byToken = tokens is null ? "" : ByToken(_directory, tokens);
        _directory.Write("dovecot.conf", $$"""
            base_dir = {{_directory.Create("run")}}
            state_dir = {{_directory.Create("state")}}
            log_path = /dev/stderr
            auth_verbose = yes
            protocols =
            ssl = no
            disable_plaintext_auth = no
            auth_mechanisms = plain login cram-md5 scram-sha-256 {{(tokens is null ? "" : "xoauth2 oauthbearer")}}
            {{byToken}}
            passdb {
              driver = passwd-file
              mechanisms = plain login cram-md5 scram-sha-256
              args = username_format=%u {{users}}
            }
            userdb {
              driver = static
              args = uid=nobody gid=nogroup home=/
            }
            service auth {
              unix_listener {{Path}} {
                mode = 0666
              }
            }
            service stats {
              unix_listener stats-writer {
                mode = 0666
              }
            }
            """ + "\n");
    }

    /// <summary>The protocol of its clients begins with <c>VERSION</c>.</summary>
    private async Task<bool> GreetsAsync(CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path), ct);
        var greeting = new byte[7];
        await using var stream = new NetworkStream(socket);
        await stream.ReadExactlyAsync(greeting, ct);
        return Encoding.ASCII.GetString(greeting) == "VERSION";
    }
}
