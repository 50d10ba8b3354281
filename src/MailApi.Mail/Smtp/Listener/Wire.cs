using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>Why nothing more comes from the client.</summary>
internal enum Loss
{
    None,

    /// <summary>The client, or the network, has closed the connection.</summary>
    Closed,
    TimedOut,

    /// <summary>This server shuts down.</summary>
    Stopping,
}

/// <summary>
/// The connection as the session uses it: what arrives, within the time allowed, and the replies, held until the client has nothing more under way
/// (RFC 2920 §3.2).
/// </summary>
internal sealed class Wire : IAsyncDisposable
{
    /// <summary>More than this is sent even while the client goes on: one that reads no replies must not make us hold them all.</summary>
    private const int HeldBytesMax = 16 << 10;

    /// <summary>RFC 5321 §4.5.3.1.5 allows a reply line 512 octets.</summary>
    private const int ReplyTextCharsMax = 490;

    /// <summary>For the last reply to leave.</summary>
    private static readonly TimeSpan GoodbyePatience = TimeSpan.FromSeconds(5);

    private readonly IDuplexPipe plain;
    private readonly ReceptionLimits limits;
    private readonly TimeProvider time;
    private readonly CancellationToken stopping;
    private readonly CancellationTokenSource patience;
    private readonly CancellationTokenRegistration onStopping;
    private readonly long started;
    private PipeReader input;
    private PipeWriter output;
    private SslStream? tls;
    private int held;

    public Wire(IDuplexPipe transport, ReceptionLimits limits, TimeProvider time, CancellationToken stopping)
    {
        (plain, input, output, this.limits, this.time, this.stopping) = (transport, transport.Input, transport.Output, limits, time, stopping);
        Deadline = limits.SessionTimeout;
        started = time.GetTimestamp();
        patience = new CancellationTokenSource(limits.SessionTimeout, time);
        onStopping = stopping.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), patience);
    }

    public bool IsSecure => tls is not null;

    /// <summary>When the session ends at the latest, from its start.</summary>
    public TimeSpan Deadline { get; set; }

    /// <summary>Whether octets are here that were not taken yet.</summary>
    public bool HasInput()
    {
        try
        {
            if (!input.TryRead(out var result)) return false;
            var isThere = !result.Buffer.IsEmpty;
            input.AdvanceTo(result.Buffer.Start);
            return isThere;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The connection is lost, as the next read will tell.
            return false;
        }
    }

    /// <summary>The next octets, at least one more than were left untaken. Sends the replies held, when it has to wait.</summary>
    public async ValueTask<Arrival> Read(TimeSpan wait)
    {
        try
        {
            // Also looked at while the client goes on: what is under way from a fast one never ends.
            var sessionLeft = Deadline - time.GetElapsedTime(started);
            if (wait > sessionLeft) wait = sessionLeft;
            if (wait <= TimeSpan.Zero) return new Arrival(Loss.TimedOut);
            if (held > HeldBytesMax || !input.TryRead(out var result))
            {
                patience.CancelAfter(wait);
                if (!await Flush(patience.Token)) return new Arrival(Loss.Closed);
                result = await input.ReadAsync(patience.Token);
                patience.CancelAfter(limits.SessionTimeout);
            }
            return result is { IsCompleted: true, Buffer.IsEmpty: true } ? new Arrival(Loss.Closed) : new Arrival(Loss.None, result.Buffer, result.IsCompleted);
        }
        catch (OperationCanceledException)
        {
            return new Arrival(stopping.IsCancellationRequested ? Loss.Stopping : patience.IsCancellationRequested ? Loss.TimedOut : Loss.Closed);
        }
        catch (IOException)
        {
            // Reset by the client: it has no positive reply, so the mail is still its own.
            return new Arrival(Loss.Closed);
        }
    }

    /// <summary>Ends what <see cref="Read"/> began: octets up to <paramref name="taken"/> are done with, all up to <paramref name="seen"/> do not suffice.</summary>
    public void Take(SequencePosition taken, SequencePosition seen) => input.AdvanceTo(taken, seen);

    public void Take(SequencePosition taken) => input.AdvanceTo(taken);

    /// <summary>Content up to the final dot.</summary>
    public async ValueTask<Loss> ReadDotted(Content content)
    {
        var dots = new DotStuffing();
        while (true)
        {
            var arrival = await Read(limits.IdleTimeout);
            if (arrival.Loss != Loss.None) return arrival.Loss;
            Take(dots.Take(arrival.Buffer, content));
            if (dots.HasEnded) return Loss.None;
        }
    }

    /// <summary>So many octets of content, skipped where there is none to fill.</summary>
    public async ValueTask<Loss> ReadChunk(long octets, Content? content)
    {
        while (octets > 0)
        {
            var arrival = await Read(limits.IdleTimeout);
            if (arrival.Loss != Loss.None) return arrival.Loss;
            var part = arrival.Buffer.Slice(0, Math.Min(octets, arrival.Buffer.Length));
            if (content is not null)
                foreach (var segment in part) content.Append(segment.Span);
            octets -= part.Length;
            Take(part.End);
        }
        return Loss.None;
    }

    public void Write(Reply reply)
    {
        var text = reply.Enhanced is null ? reply.Text : $"{reply.Enhanced} {reply.Text}";
        Write(string.Create(CultureInfo.InvariantCulture, $"{reply.Code} {OneLine(text)}\r\n"));
    }

    /// <summary>A reply of several lines, without enhanced codes, as EHLO's must be.</summary>
    public void Write(int code, IReadOnlyList<string> lines)
    {
        for (var index = 0; index < lines.Count; index++)
            Write(string.Create(CultureInfo.InvariantCulture, $"{code}{(index < lines.Count - 1 ? '-' : ' ')}{OneLine(lines[index])}\r\n"));
    }

    /// <summary>
    /// Sends what is held and hands the connection to TLS: what arrives from here on is the client's handshake or nothing, since the octets that came
    /// before are the caller's to refuse. False when there is no connection any more.
    /// </summary>
    public async ValueTask<bool> Secure(SslServerAuthenticationOptions options)
    {
        var stream = new SslStream(new PipeStream(plain), leaveInnerStreamOpen: false);
        try
        {
            patience.CancelAfter(limits.HandshakeTimeout);
            if (await Flush(patience.Token))
            {
                await stream.AuthenticateAsServerAsync(options, patience.Token);
                patience.CancelAfter(limits.SessionTimeout);
                tls = stream;
                // Of their own, not the stream's: it is ended here.
                (input, output) = (PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
                return true;
            }
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException)
        {
            // Not TLS, none that both know, or too slow: there is no way left to say so.
        }
        await stream.DisposeAsync();
        return false;
    }

    /// <summary>Sends what is held, while the client still reads; it may be gone.</summary>
    public async ValueTask SayGoodbye()
    {
        using var goodbye = new CancellationTokenSource(GoodbyePatience, time);
        try
        {
            // The end of TLS is told too (RFC 8446 §6.1), so that nobody else can seem to have ended it.
            if (await Flush(goodbye.Token) && tls is not null) await tls.ShutdownAsync().WaitAsync(goodbye.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or CryptographicException)
        {
            // Nobody reads it, or what came was no TLS any more.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await onStopping.DisposeAsync();
        patience.Dispose();
        if (tls is null) return;
        await input.CompleteAsync();
        await output.CompleteAsync();
        await tls.DisposeAsync();
    }

    /// <summary>False when the client is gone.</summary>
    private async ValueTask<bool> Flush(CancellationToken ct)
    {
        if (held == 0) return true;
        var result = await output.FlushAsync(ct);
        held = 0;
        return !result.IsCompleted;
    }

    private void Write(string line)
    {
        held += line.Length;
        Encoding.ASCII.GetBytes(line, output);
    }

    /// <summary>The policy may quote what others wrote: no character of it may end the line, and none needs SMTPUTF8 (RFC 6531 §3.7.4.1).</summary>
    private static string OneLine(string text) =>
        string.Concat(text.Take(ReplyTextCharsMax).Select(character => character is >= ' ' and <= '~' ? character : character < ' ' ? ' ' : '?'));
}

/// <summary>What <see cref="Wire.Read"/> brought; nothing follows when <paramref name="IsLast"/>.</summary>
internal readonly record struct Arrival(Loss Loss, ReadOnlySequence<byte> Buffer = default, bool IsLast = false);
