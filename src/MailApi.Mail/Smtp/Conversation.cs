using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using MailKit;
using MailKit.Security;

namespace MailApi.Mail.Smtp;

/// <summary>
/// Watches the octets of one connection, which is the one place where MailKit shows whole replies: it knows which command awaits a reply, keeps
/// the first refusal and the last reply, and holds the deadline of each phase (RFC 5321 §4.5.3.2). MailKit calls it from one flow at a time.
/// </summary>
internal sealed class Conversation : IProtocolLogger
{
    /// <summary>MailKit would gather a reply without end.</summary>
    private const int ReplyBytesMax = 16 * 1024;

    /// <summary>For the reply to RSET and QUIT, on which nothing depends any more.</summary>
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(10);

    private const int Abortable = 0, Committed = 1, Aborted = 2;

    private readonly SmtpTimeouts timeouts;
    private readonly CancellationTokenSource ended = new();
    private readonly ITimer timer;
    private readonly Queue<Stage?> awaited = new();
    private readonly StringBuilder reply = new();
    private readonly List<byte> line = [];
    private TimeSpan patience;
    private bool inContent, midCommand;
    private int phase;

    public Conversation(SmtpTimeouts timeouts, TimeProvider time)
    {
        this.timeouts = timeouts;
        timer = time.CreateTimer(static state => ((Conversation)state!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends what is under way: a deadline has passed, or the caller gave up before content began.</summary>
    public CancellationToken Ended => ended.Token;

    /// <summary>What was last said or waited for.</summary>
    public Stage Stage { get; private set; }

    /// <summary>The first reply of 400 or more since <see cref="Begin"/>.</summary>
    public (Stage Stage, Reply Reply)? Refusal { get; private set; }

    /// <summary>The reply to the final dot, when it was positive.</summary>
    public Reply? Accepted { get; private set; }

    /// <summary>The receiver has asked for content (354).</summary>
    public bool ContentBegun { get; private set; }

    /// <summary>The final dot may be on its way.</summary>
    public bool DotSent { get; private set; }

    /// <summary>Something came that no command had asked for: what is said next may be misread.</summary>
    public bool OutOfStep { get; private set; }
    public bool TimedOut { get; private set; }
    public bool WasAborted => Volatile.Read(ref phase) == Aborted;

    public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

    /// <summary>A new connection or message begins with <paramref name="stage"/>.</summary>
    public void Begin(Stage stage)
    {
        Interlocked.CompareExchange(ref phase, Abortable, Committed);
        (Refusal, Accepted, ContentBegun, DotSent) = (null, null, false, false);
        Await(stage);
    }

    /// <summary>Nothing is under way: no deadline.</summary>
    public void Rest() => timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>The caller gives up: has an effect only until content begins.</summary>
    public void Abort()
    {
        if (Interlocked.CompareExchange(ref phase, Aborted, Abortable) == Abortable) ended.Cancel();
    }

    /// <summary>QUIT follows.</summary>
    public void TakeLeave() => Arm(Courtesy);

    /// <summary>The gate is open and the final dot follows.</summary>
    public void SendDot()
    {
        inContent = false;
        DotSent = true;
        this.awaited.Enqueue(Stage.Content);
        Await(Stage.Content);
    }

    /// <summary>What to say of a connection that ended in <see cref="Stage"/>.</summary>
    public string Loss(Exception cause)
    {
        var during = Stage switch
        {
            Stage.Connect => "connecting",
            Stage.Greeting => "waiting for the greeting",
            Stage.Hello => "saying hello (EHLO)",
            Stage.StartTls => "starting TLS",
            Stage.Auth => "logging in (AUTH)",
            Stage.MailFrom => "sending MAIL FROM",
            Stage.RcptTo => "sending RCPT TO",
            Stage.Data => "sending DATA",
            _ => DotSent ? "waiting for the reply to the final dot" : "sending the content",
        };
        return TimedOut ? $"no answer within {this.patience} while {during}" : $"failed while {during}: {Brief(cause)}";
    }

    /// <summary>MailKit puts an essay into the message of a failed handshake; the cause is below it.</summary>
    public static string Brief(Exception e) => Reply.Printable(e is SslHandshakeException { InnerException: { } cause } ? $"TLS handshake: {cause.Message}" : e.Message);

    public void LogConnect(Uri uri)
    {
        this.awaited.Enqueue(Stage.Greeting);
        Await(Stage.Greeting);
    }

    /// <summary>After the octets were written.</summary>
    public void LogClient(byte[] buffer, int offset, int count)
    {
        if (inContent)
        {
            timer.Change(this.patience, Timeout.InfiniteTimeSpan);
            return;
        }
        var text = buffer.AsSpan(offset, count);
        while (!text.IsEmpty)
        {
            if (!midCommand) Said(text);
            var end = text.IndexOf((byte)'\n');
            midCommand = end < 0;
            text = end < 0 ? default : text[(end + 1)..];
        }
    }

    public void LogServer(byte[] buffer, int offset, int count)
    {
        var text = buffer.AsSpan(offset, count);
        while (!text.IsEmpty)
        {
            var end = text.IndexOf((byte)'\n');
            var piece = end < 0 ? text : text[..end];
            if (this.line.Count + this.reply.Length + piece.Length > ReplyBytesMax) throw new IOException($"the reply is longer than {ReplyBytesMax} octets");
            this.line.AddRange(piece);
            if (end < 0) return;

            text = text[(end + 1)..];
            var starttls = this.awaited.TryPeek(out var awaited) && awaited == Stage.StartTls;
            if (!EndLine() || !starttls || text.IsEmpty) continue;
            // Sent in the clear after the reply to STARTTLS: MailKit discards it too (RFC 3207 §6).
            OutOfStep = true;
            return;
        }
    }

    public void Dispose()
    {
        timer.Dispose();
        ended.Dispose();
    }

    private void Said(ReadOnlySpan<byte> command)
    {
        if (command.StartsWith("."u8)) return; // SendDot has counted it.
        Stage? stage = null;
        if (command.StartsWith("EHLO"u8) || command.StartsWith("HELO"u8)) stage = Stage.Hello;
        else if (command.StartsWith("STARTTLS"u8)) stage = Stage.StartTls;
        else if (command.StartsWith("MAIL"u8)) stage = Stage.MailFrom;
        else if (command.StartsWith("RCPT"u8)) stage = Stage.RcptTo;
        else if (command.StartsWith("DATA"u8)) stage = Stage.Data;
        // What is no command is a further answer to a challenge of AUTH.
        else if (!command.StartsWith("RSET"u8) && !command.StartsWith("QUIT"u8)) stage = Stage.Auth;

        this.awaited.Enqueue(stage);
        if (this.awaited.Count == 1) Await(stage);
    }

    /// <summary>True when the line was the last of its reply.</summary>
    private bool EndLine()
    {
        var line = Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(this.line)).TrimEnd('\r');
        this.line.Clear();
        if (line.Length > 4) this.reply.Append(this.reply.Length == 0 ? "" : " ").Append(line, 4, line.Length - 4);
        if (line.Length > 3 && line[3] == '-') return false;

        var text = this.reply.ToString();
        this.reply.Clear();
        // MailKit itself refuses what does not begin with three digits.
        if (line.Length >= 3 && int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code)) Heard(Reply.From(code, text));
        return true;
    }

    private void Heard(Reply reply)
    {
        if (!this.awaited.TryDequeue(out var awaited))
        {
            OutOfStep = true;
            return;
        }
        if (this.awaited.TryPeek(out var next)) Await(next);
        if (awaited is not { } stage) return;

        if (reply.Code >= 400) Refusal ??= (stage, reply);
        else if (stage == Stage.Hello) Refusal = null; // EHLO was not understood, HELO was.
        else if (stage == Stage.Content && reply.Code / 100 == 2) Accepted = reply;
        else if (stage == Stage.Data && reply.Code == 354) BeginContent();
    }

    private void BeginContent()
    {
        if (Interlocked.CompareExchange(ref phase, Committed, Abortable) == Aborted) throw new OperationCanceledException(Ended);
        ContentBegun = inContent = true;
        Stage = Stage.Content;
        Arm(this.timeouts.Block);
    }

    private void Await(Stage? stage)
    {
        Stage = stage ?? Stage;
        Arm(stage switch
        {
            Stage.Connect or Stage.Greeting => this.timeouts.Greeting,
            Stage.Hello or Stage.StartTls or Stage.Auth => this.timeouts.Hello,
            Stage.MailFrom => this.timeouts.MailFrom,
            Stage.RcptTo => this.timeouts.RcptTo,
            Stage.Data => this.timeouts.Data,
            Stage.Content => this.timeouts.FinalDot,
            _ => Courtesy,
        });
    }

    private void Arm(TimeSpan patience)
    {
        this.patience = patience;
        timer.Change(patience, Timeout.InfiniteTimeSpan);
    }

    private void Expire()
    {
        TimedOut = true;
        try
        {
            ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection was closed in the same moment.
        }
    }
}
