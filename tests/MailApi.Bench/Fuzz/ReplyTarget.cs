using System.Net;
using System.Net.Sockets;
using System.Text;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>
/// What a receiver may answer to the client: the input is its replies, and now and then more than one is sent at once. Whatever it says, the attempt
/// ends as one of its outcomes, and only a reply to the final dot makes it delivered.
/// </summary>
internal static class ReplyTarget
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(50);
    private static readonly byte[] Content = "Subject: hello\r\n\r\nHello.\r\n"u8.ToArray();

    // Longer than any honest wait here: an attempt that only a timeout ends hangs, and is a finding.
    private static readonly SmtpClientOptions Options = new() { HeloName = "out.mail.test" };

    private const string Password = "pass-of-ann";
    private static readonly RelayAuth[] Mechanisms = [RelayAuth.Plain, RelayAuth.Login, RelayAuth.CramMd5, RelayAuth.ScramSha256, RelayAuth.XOAuth2, RelayAuth.OAuthBearer];

    public static readonly byte[][] Seeds = Texts.Octets(
        "220 mx.test ESMTP\r\n250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 go on\r\n250 2.0.0 queued as 1\r\n221 2.0.0 bye\r\n",
        "220-mx.test\r\n220 second line\r\n250 mx.test\r\n250 OK\r\n250 OK\r\n354\r\n250\r\n",
        "220 mx.test\r\n502 5.5.1 what?\r\n250 HELO then\r\n250 2.1.0 OK\r\n550-5.1.1 No such\r\n550 5.1.1 user\r\n221 bye\r\n", "421 4.3.2 not now\r\n", "554 5.7.1 blocked, see https://mx.test/?q=1\r\n221 bye\r\n",
        "220 mx.test\r\n250-mx.test\r\n250 SIZE 10\r\n", "220 mx.test\r\n250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n454 4.7.0 TLS not available\r\n250 OK\r\n250 OK\r\n354 x\r\n451 4.7.1 Greylisted\r\n");

    public static readonly string[] Words = ["220 ", "250-", "250 ", "354 ", "421 4.3.2 ", "450 4.2.1 ", "550 5.1.1 ", "250-PIPELINING\r\n", "250-SIZE 99999999999999999999\r\n", "250-SMTPUTF8\r\n", "250-STARTTLS\r\n", "250-CHUNKING\r\n", "250 REQUIRETLS\r\n", "2", "999 ", "-1 ", "١٢٣ ", "\r\n", "\n", "\r", "\0", "\u2028", "5.1.1", "4.x.y", "您"];

    /// <summary>A relay that wants a login; the first octet chooses the mechanism.</summary>
    public static readonly byte[][] LoginSeeds =
    [
        .. from auth in Mechanisms
           from end in (string[])["235 2.7.0 OK\r\n250 OK\r\n250 OK\r\n354 go on\r\n250 queued\r\n221 bye\r\n", "334 PDE3ODkyLjEzNjk3MDY2MkByZWxheS50ZXN0Pg==\r\n235 OK\r\n", "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n535 5.7.8 no\r\n", "334 cj1hYmMscz1jMkZzZEE9PSxpPTQwOTY=\r\n334 dj1hYmM=\r\n235 OK\r\n"]
           select (byte[])[(byte)Array.IndexOf(Mechanisms, auth), .. Encoding.ASCII.GetBytes("220 relay.test\r\n250-relay.test\r\n250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER\r\n" + end)],
    ];

    public static readonly string[] LoginWords = [.. Words, "250-AUTH ", "250 AUTH=PLAIN\r\n", "334 ", "334 =\r\n", "334 !\r\n", "235 ", "535 5.7.8 ", "454 4.7.0 ", "cj1hYmMscz1jMkZzZEE9PSxpPTQwOTY=", "cj0sLCxpPTk5OTk5OTk5OTk=", "eyJzdGF0dXMiOiI0MDEifQ=="];

    public static string TryLogin(byte[] input)
    {
        if (input.Length == 0) return "";
        var auth = Mechanisms[input[0] % Mechanisms.Length];
        var told = Try(input[1..], new RelayCredentials("ann", Password, auth) { IsToken = auth is RelayAuth.XOAuth2 or RelayAuth.OAuthBearer });
        return told.Contains(Password, StringComparison.Ordinal) && !Encoding.Latin1.GetString(input).Contains(Password, StringComparison.Ordinal) ? throw new InvalidOperationException($"The password is told: {told}") : told;
    }

    public static string Try(byte[] input) => Try(input, login: null);

    private static string Try(byte[] input, RelayCredentials? login)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4);
        var route = new Route { Site = "test", Hosts = [new RouteHost("mx.test", [IPAddress.Loopback], ((IPEndPoint)listener.LocalEndPoint!).Port)], Tls = login is null ? TlsPolicy.Opportunistic : TlsPolicy.None, Credentials = login };
        var dotted = false;
        var sending = Send(route, () => dotted = true);
        var serving = Serve(listener, input, sending);
        if (!Task.WaitAll([sending, serving], Hang)) throw new InvalidOperationException("The attempt does not end.");
        var result = sending.GetAwaiter().GetResult();
        if (result is TransmitResult.Accepted or TransmitResult.Uncertain && !dotted) throw new InvalidOperationException($"{result} without the final dot.");
        return result switch
        {
            TransmitResult.Accepted accepted => $"accepted {Checked(accepted.Reply)}",
            TransmitResult.Refused refused => refused.Reply.Code is >= 400 and < 600 ? $"refused {refused.Stage} {Checked(refused.Reply)}" : throw new InvalidOperationException($"Refused with {refused.Reply}"),
            TransmitResult.Unreachable unreachable => $"unreachable {unreachable.Stage} {CheckedText(unreachable.Reason).Split('\'')[0]}",
            TransmitResult.Uncertain uncertain => $"uncertain {CheckedText(uncertain.Reason).Split('\'')[0]}",
            _ => throw new InvalidOperationException($"{result}"),
        };
    }

    private static async Task<TransmitResult> Send(Route route, Action dot)
    {
        await using var transmitter = new Transmitter(Options, TimeProvider.System);
        return await transmitter.Transmit(route, new Transmission
        {
            MailFrom = "b@shop.test",
            Recipient = "ann@example.test",
            Content = [Content],
            DotGate = _ =>
            {
                dot();
                return ValueTask.FromResult(true);
            },
        }, CancellationToken.None);
    }

    /// <summary>Greets, and answers each line that is no content with the next reply. Goes away when there are no more, or the client has had enough.</summary>
    private static async Task Serve(Socket listener, byte[] input, Task client)
    {
        var replies = new Queue<ReadOnlyMemory<byte>>(Replies(input, new Random(input.Length)));
        while (true)
        {
            // A client that was answered badly may come again: with HELO, or in the clear. When there are no more replies it is hung up on.
            var accepting = listener.AcceptAsync();
            if (await Task.WhenAny(accepting, client) == client) return;
            using var socket = await accepting;
            // Without TIME_WAIT: there are more inputs than ports.
            socket.LingerState = new LingerOption(true, 0);
            if (replies.Count == 0) continue;
            try
            {
                await Converse(socket, replies);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // It has hung up.
            }
        }
    }

    private static async Task Converse(Socket socket, Queue<ReadOnlyMemory<byte>> replies)
    {
        await using var stream = new NetworkStream(socket);
        using var lines = new StreamReader(stream, Encoding.Latin1);
        await stream.WriteAsync(replies.Dequeue());
        var isContent = false;
        while (replies.Count > 0 && await lines.ReadLineAsync() is { } line)
        {
            if (isContent && line != ".") continue;
            var reply = replies.Dequeue();
            await stream.WriteAsync(reply);
            isContent = line == "DATA" && reply.Span.StartsWith("354"u8);
        }
        socket.Shutdown(SocketShutdown.Send);
        while (await lines.ReadLineAsync() is not null) { }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Replies(byte[] input, Random random)
    {
        var from = 0;
        for (var at = 0; at < input.Length;)
        {
            var end = input.AsSpan(at).IndexOf((byte)'\n');
            var line = input.AsMemory(at, end < 0 ? input.Length - at : end + 1);
            at += line.Length;
            if (line.Length > 3 && line.Span[3] == '-' || random.Next(20) == 0) continue;
            yield return input.AsMemory(from, at - from);
            from = at;
        }
        if (from < input.Length) yield return input.AsMemory(from);
    }

    private static string Checked(Reply reply)
    {
        CheckedText(reply.Text);
        if (reply.Enhanced is { } enhanced && (enhanced.Length > 9 || enhanced[0] != '0' + reply.Code / 100)) throw new InvalidOperationException($"An enhanced code of another class: {reply}");
        return $"{reply.Code} {reply.Enhanced is null}";
    }

    private static string CheckedText(string text) =>
        text.Length <= 2000 && !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029') && text.EnumerateRunes().Count() >= 0 && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text
            ? text
            : throw new InvalidOperationException($"A text that cannot be stored: {text}");
}
