using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace MailApi.Mail.Smtp;

/// <summary>
/// The octets of one connection: commands and content go out as they are given, replies come back one at a time (RFC 5321 §4.2), and each phase has its
/// deadline (§4.5.3.2). What the network, the clock or a senseless reply does is an <see cref="IOException"/>, or one that cancels.
/// </summary>
internal sealed class Conversation(Socket socket, SmtpTimeouts timeouts, TimeProvider time) : IDisposable
{
    /// <summary>Of one reply, all its lines and line ends; a receiver could go on for ever.</summary>
    private const int ReplyBytesMax = 16 * 1024;

    private readonly CancellationTokenSource ended = new(Timeout.InfiniteTimeSpan, time);
    private readonly List<string> lines = [];
    private byte[] buffer = new byte[1024];
    private int start, end, code;
    private Stream? stream;
    private volatile bool aborted;

    /// <summary>Told of every reply.</summary>
    public Action<Stage, Reply>? Heard { get; init; }

    /// <summary>What was last said or waited for.</summary>
    public Stage Stage { get; private set; }

    /// <summary>How long it is waited for.</summary>
    public TimeSpan Patience { get; private set; }

    /// <summary>Ends what is under way: a deadline has passed, or the caller gave up. Nothing can be said afterwards.</summary>
    public CancellationToken Ended => ended.Token;
    public bool WasAborted => aborted;
    public bool TimedOut => ended.IsCancellationRequested && !aborted;

    /// <summary>The texts of the last reply's lines, without codes.</summary>
    public IReadOnlyList<string> Lines => lines;

    /// <summary>The last reply.</summary>
    public Reply Reply => Reply.From(code, string.Join(' ', lines));

    /// <summary>TLS 1.2 or above, or none.</summary>
    public SslProtocols Tls => stream is SslStream tls ? tls.SslProtocol : SslProtocols.None;

    /// <summary>Nothing lies here that no command has asked for, and the other side has not hung up.</summary>
    public bool IsQuiet => start == end && !ended.IsCancellationRequested && !socket.Poll(0, SelectMode.SelectRead);

    /// <summary>The caller gives up.</summary>
    public void Abort()
    {
        if (ended.IsCancellationRequested) return;
        aborted = true;
        ended.Cancel();
    }

    /// <summary>From now on the clock of <paramref name="stage"/> runs.</summary>
    public void Await(Stage stage)
    {
        Stage = stage;
        Arm(stage switch
        {
            Stage.Connect or Stage.Greeting => timeouts.Greeting,
            Stage.Hello or Stage.StartTls or Stage.Auth => timeouts.Hello,
            Stage.MailFrom => timeouts.MailFrom,
            Stage.RcptTo => timeouts.RcptTo,
            Stage.Data => timeouts.Data,
            _ => timeouts.FinalDot,
        });
    }

    /// <summary>From now on the other side has the time for one block of content.</summary>
    public void AwaitBlock()
    {
        Stage = Stage.Content;
        Arm(timeouts.Block);
    }

    public void Arm(TimeSpan patience)
    {
        Patience = patience;
        ended.CancelAfter(patience);
    }

    /// <summary>Nothing is under way: no deadline.</summary>
    public void Rest() => ended.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Says one command and hears its reply.</summary>
    /// <returns>The code of the reply.</returns>
    public async ValueTask<int> Ask(string command, Stage stage)
    {
        Await(stage);
        await Write(Encoding.UTF8.GetBytes(command + "\r\n"));
        return await Hear();
    }

    public async ValueTask Write(ReadOnlyMemory<byte> octets)
    {
        await BeInTurn();
        await Stream.WriteAsync(octets, Ended);
    }

    /// <exception cref="OutOfTurnException">The other side has spoken: what is said now may be misread.</exception>
    public async ValueTask BeInTurn()
    {
        if (start == end) return;
        await Hear();
        throw new OutOfTurnException(Reply);
    }

    /// <summary>Reads one reply.</summary>
    /// <returns>Its code.</returns>
    public async ValueTask<int> Hear()
    {
        lines.Clear();
        for (var left = ReplyBytesMax; ;)
        {
            var length = await HaveLine(left);
            var line = Encoding.UTF8.GetString(buffer, start, length - 1).TrimEnd('\r');
            start += length;
            left -= length;

            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 200 or > 599) throw new IOException($"'{Reply.Printable(line)}' is no reply");
            if (lines.Count > 0 && number != code) throw new IOException($"a reply began with {code} and went on with {number}");
            code = number;
            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length > 3 && line[3] == '-') continue;
            Heard?.Invoke(Stage, Reply);
            return code;
        }
    }

    /// <summary>Shakes hands. What came in the clear after the reply to STARTTLS is forgotten: anyone may have put it there (RFC 3207 §6).</summary>
    /// <exception cref="AuthenticationException">No protection could be agreed on, or the certificate is not what <paramref name="options"/> ask for.</exception>
    public async Task StartTls(SslClientAuthenticationOptions options)
    {
        (start, end) = (0, 0);
        Await(Stage.StartTls);
        var tls = new SslStream(Stream);
        stream = tls;
        try
        {
            await tls.AuthenticateAsClientAsync(options, Ended);
        }
        catch (ArgumentException e)
        {
            throw new AuthenticationException("the name of the host is not one for TLS", e);
        }
    }

    public void Dispose()
    {
        stream?.Dispose();
        socket.Dispose();
        ended.Dispose();
    }

    private Stream Stream => stream ??= new NetworkStream(socket, ownsSocket: true);

    /// <summary>Reads until a whole line is here; answers its length with the line feed.</summary>
    private async ValueTask<int> HaveLine(int lengthMax)
    {
        while (true)
        {
            var feed = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (feed >= lengthMax || (feed < 0 && end - start >= lengthMax)) throw new IOException($"the reply is longer than {ReplyBytesMax} octets");
            if (feed >= 0) return feed + 1;

            if (end == buffer.Length && start == 0) Array.Resize(ref buffer, buffer.Length * 2);
            if (start > 0) buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
            var read = await Stream.ReadAsync(buffer.AsMemory(end), Ended);
            if (read == 0) throw new EndOfStreamException("the other side has closed the connection");
            end += read;
        }
    }
}

/// <summary>A reply was there before there was anything to reply to.</summary>
internal sealed class OutOfTurnException(Reply reply) : IOException($"it spoke out of turn: {reply}")
{
    public Reply Reply => reply;
}
