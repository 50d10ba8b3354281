using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailApi.Testing;

/// <summary>
/// A client of an SMTP listener that says what a test tells it, word for word. Text is Latin-1: a character is an octet. A reply is the code, a blank, and the
/// text of its lines, joined by line feeds.
/// </summary>
public sealed class SmtpCaller : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TcpClient client;
    private Stream stream;
    private StreamReader reader;

    private SmtpCaller(TcpClient client)
    {
        this.client = client;
        stream = client.GetStream();
        reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
    }

    /// <summary>What the server said first; null where it said nothing and ended.</summary>
    public string? Greeting { get; private set; }

    /// <summary>What the server showed in the handshake.</summary>
    public X509Certificate? Certificate => (stream as SslStream)?.RemoteCertificate;

    /// <summary>Of the transactions; empty for the null reverse-path of bounces.</summary>
    public string ReversePath { get; set; } = "bounces@caller.test";

    public static async Task<SmtpCaller> Connect(int port, bool startWithTls = false)
    {
        var caller = await Open(port);
        if (startWithTls) await caller.ShakeHands();
        caller.Greeting = await caller.Read();
        return caller;
    }

    /// <summary>Connected; nothing is read.</summary>
    public static async Task<SmtpCaller> Open(int port)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, port);
        return new SmtpCaller(client);
    }

    /// <summary>EHLO, STARTTLS, and EHLO again, whose answer this is.</summary>
    public async Task<string> Secure()
    {
        await Ask("EHLO caller.test");
        var ready = await Ask("STARTTLS");
        if (!ready.StartsWith("220", StringComparison.Ordinal)) throw new IOException("No TLS: " + ready);
        await ShakeHands();
        return await Ask("EHLO caller.test");
    }

    public Task<string> Login(string key) => Ask("AUTH PLAIN " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0any name\0{key}")));

    /// <summary>One transaction with these recipients; the reply that ended it, be it MAIL's; empty when the server has ended.</summary>
    /// <param name="message">Dots are added; the end is, too.</param>
    /// <param name="to">The recipients.</param>
    public async Task<string> Send(string message, params string[] to)
    {
        var reply = await Ask($"MAIL FROM:<{ReversePath}>");
        if (!reply.StartsWith('2')) return reply;
        foreach (var recipient in to)
        {
            reply = await Ask($"RCPT TO:<{recipient}>");
            if (reply.StartsWith('2')) continue;
            await Ask("RSET");
            return reply;
        }
        reply = await Ask("DATA");
        if (!reply.StartsWith('3')) return reply;
        var content = ("\r\n" + message).Replace("\r\n.", "\r\n..", StringComparison.Ordinal)[2..];
        return await Ask(content + (content.EndsWith("\r\n", StringComparison.Ordinal) ? "." : "\r\n."));
    }

    /// <inheritdoc cref="Send(string, string[])"/>
    public Task<string> Send(byte[] message, params string[] to) => Send(Encoding.Latin1.GetString(message), to);

    public async Task<string> Ask(string command)
    {
        await Write(command + "\r\n");
        return await Read() ?? "";
    }

    public async Task Write(string text)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text));
        await stream.FlushAsync();
    }

    /// <summary>The next reply; null when the server has ended.</summary>
    public async Task<string?> Read()
    {
        var lines = new List<string>();
        try
        {
            while (await reader.ReadLineAsync().WaitAsync(Patience) is { Length: >= 4 } line)
            {
                lines.Add(line[4..]);
                if (line[3] == ' ') return $"{line[..3]} {string.Join('\n', lines)}";
            }
        }
        catch (IOException)
        {
            // Cut off.
        }
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        reader.Dispose();
        await stream.DisposeAsync();
        client.Dispose();
    }

    /// <summary>Whatever certificate is shown: tests compare it with what they expect.</summary>
    private async Task ShakeHands()
    {
        reader.Dispose();
        var tls = new SslStream(stream);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null });
        stream = tls;
        reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
    }
}
