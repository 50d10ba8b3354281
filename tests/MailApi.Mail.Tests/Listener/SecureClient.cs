using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using MailApi.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

/// <summary>A client of a listener with TLS and, for <see cref="Key"/> alone, a login.</summary>
internal sealed class SecureClient(Client client, SslStream stream) : IAsyncDisposable
{
    public const string Key = "right-key";
    private static readonly X509Certificate2 Certificate = TestCertificate.For(Client.Host);

    private static readonly Reception Bare = new()
    {
        HostName = Client.Host,
        CheckRecipient = (_, _, _) => throw new InvalidOperationException("No session has this policy."),
        Deliver = (_, _) => throw new InvalidOperationException("No session has this policy."),
    };

    private readonly StreamReader reader = new(stream, Encoding.Latin1);

    public Client Client => client;

    /// <summary>A policy as submission has it.</summary>
    public static Reception Submission(Reception reception) => reception with
    {
        Tls = () => new SslServerAuthenticationOptions { ServerCertificate = Certificate },
        Authenticate = (credentials, _) => Task.FromResult(credentials.Password switch
        {
            Key => new Reply(235, "2.7.0", $"Hello {credentials.UserName}"),
            "away" => new Reply(454, "4.7.0", "The store is away"),
            "banned" => new Reply(421, "4.7.0", "Too many failed logins from this address"),
            _ => new Reply(535, "5.7.8", "The key is unknown"),
        }),
    };

    /// <summary>Past EHLO, in the clear.</summary>
    public static async Task<Client> InTheClear(Func<Reception, Reception>? policy = null)
    {
        var client = Client.Connect(policy: policy ?? Submission);
        await client.Expect("220 ");
        client.Write("EHLO client.test\r\n");
        await client.Expect("250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-STARTTLS", "250 HELP");
        return client;
    }

    /// <summary>Past the handshake and a second EHLO.</summary>
    public static async Task<SecureClient> Ready(Func<Reception, Reception>? policy = null)
    {
        var client = await InTheClear(policy);
        await client.Ask("STARTTLS", "220 2.0.0");
        var secure = await Over(client);
        await secure.Ask("EHLO client.test", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-ENHANCEDSTATUSCODES");
        await secure.Expect((policy ?? Submission)(Bare).Authenticate is null ? ["250 HELP"] : ["250-AUTH PLAIN LOGIN", "250 HELP"]);
        return secure;
    }

    public static async Task<SecureClient> Over(Client client)
    {
        var stream = new SslStream(client.AsStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Client.Host, RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == Certificate.Thumbprint });
        return new SecureClient(client, stream);
    }

    public async Task Write(string text) => await stream.WriteAsync(Encoding.Latin1.GetBytes(text));

    public async Task Expect(params string[] lines)
    {
        foreach (var line in lines)
        {
            var actual = await reader.ReadLineAsync();
            Assert.True(actual?.StartsWith(line, StringComparison.Ordinal) == true, $"Expected \"{line}\", but the server said: {actual ?? "(nothing more)"}");
        }
    }

    public async Task Ask(string command, params string[] replies)
    {
        await Write(command + "\r\n");
        await Expect(replies);
    }

    /// <summary>As <see cref="Ask"/>, while the clock goes on until the session has seen the pause that a refused login earns.</summary>
    public async Task AskAndWait(string command, params string[] replies)
    {
        await Write(command + "\r\n");
        var expected = Expect(replies);
        await Eventually.HoldsAsync(() =>
        {
            Client.Time.Advance(TimeSpan.FromMilliseconds(250));
            return expected.IsCompleted;
        }, TimeSpan.FromSeconds(20), "the answer to a refused login", TestContext.Current.CancellationToken);
        await expected;
    }

    public async Task ExpectEnd()
    {
        Assert.Null(await reader.ReadLineAsync());
        await client.Session.WaitAsync(TimeSpan.FromSeconds(20));
    }

    public static string Plain(string user, string password) => Base64($"\0{user}\0{password}");

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public async ValueTask DisposeAsync()
    {
        reader.Dispose();
        await stream.DisposeAsync();
        await client.DisposeAsync();
    }
}
