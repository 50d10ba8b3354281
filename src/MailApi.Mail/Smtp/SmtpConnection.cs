using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Smtp;

/// <summary>What makes two connections interchangeable.</summary>
internal sealed record ConnectionKey(string Host, IPEndPoint EndPoint, TlsPolicy Tls, RelayCredentials? Credentials, TlsDemand Demand, SourceAddress? Source);

/// <summary>One connection to one address of a mail host, greeted and, where asked, protected and logged in.</summary>
internal sealed class SmtpConnection : IDisposable
{
    /// <summary>For the reply to RSET and QUIT, on which nothing depends any more.</summary>
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(10);

    private readonly Socket socket;
    private readonly Conversation conversation;
    private readonly SmtpClientOptions options;
    private readonly string? tlsFailure;
    private readonly Negotiation negotiation;
    private Offered offered = Offered.Nothing;
    private TransmitResult.Refused? refused;
    private Exception? gateError;
    private bool inStep, dotSent;

    private SmtpConnection(ConnectionKey key, SmtpClientOptions options, TimeProvider time, string? tlsFailure)
    {
        (Key, this.options, this.tlsFailure) = (key, options, tlsFailure);
        negotiation = new Negotiation(key, options.TrustedRoots);
        socket = new Socket(key.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        conversation = new Conversation(socket, options.Timeouts, time) { Heard = options.Heard };
    }

    public ConnectionKey Key { get; }
    public int Messages { get; private set; }

    /// <summary>The receiver has asked for the content of the last message: it must not be sent again without thought.</summary>
    public bool ContentBegun { get; private set; }

    /// <summary>Fit for another message: in step, and the other side has neither hung up nor said anything in the meantime.</summary>
    public bool IsUsable => inStep && conversation.IsQuiet;

    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    /// <param name="key">Where to, and what it must prove.</param>
    /// <param name="options">How we behave.</param>
    /// <param name="sessions">Told how TLS came out, where <see cref="ConnectionKey.Tls"/> is opportunistic.</param>
    /// <param name="time">For the deadlines.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<(SmtpConnection? Connection, TransmitResult? Failure)> Open(
        ConnectionKey key, SmtpClientOptions options, Action<TlsSession>? sessions, TimeProvider time, CancellationToken ct)
    {
        var (connection, failure, negotiation) = await Open(key, key.Tls, null, options, time, ct);
        if (key.Tls != TlsPolicy.Opportunistic || negotiation.Outcome is not var (result, detail)) return (connection, failure);
        sessions?.Invoke(new TlsSession(key.Host, key.EndPoint.Address, key.Demand, result));
        if (failure is null || result == TlsResult.Success) return (connection, failure);
        if (key.Demand.IsEnforced) return (null, Negotiation.Unproven(key, result, detail));
        if (!negotiation.IsTried) return (null, failure);
        // RFC 7435 §4: in the clear is better than not at all, where nobody asked for more.
        (connection, failure, _) = await Open(key, TlsPolicy.None, detail, options, time, ct);
        return (connection, failure);
    }

    /// <summary>Sends one envelope. Afterwards the connection may be used again only if <see cref="IsUsable"/>.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled before the content began.</exception>
    public async Task<TransmitResult> Send(Transmission transmission, CancellationToken ct)
    {
        Messages++;
        (ContentBegun, dotSent, refused) = (false, false, null);
        if (Unsendable(transmission) is { } unsendable) return new TransmitResult.Refused(unsendable, Key.Host, Stage.MailFrom);
        OutgoingContent.Check(transmission.Content);

        inStep = false;
        try
        {
            bool asked;
            using (ct.UnsafeRegister(static state => ((Conversation)state!).Abort(), conversation)) asked = await SendEnvelope(transmission);
            if (refused is null)
            {
                conversation.Ended.ThrowIfCancellationRequested();
                ContentBegun = true;
                CrashPoint.Pass("after-354");
                if (!await SendContent(transmission)) return new TransmitResult.GateClosed(Key.Host);
                asked = false;
            }
            inStep = refused is null || await Reset(asked);
        }
        catch (Exception e) when (!ReferenceEquals(e, gateError) && IsOfTheNetwork(e))
        {
            return Explain(e, ct);
        }
        finally
        {
            conversation.Rest();
        }
        if (refused is not null) return refused;
        var protocol = conversation.Tls switch { SslProtocols.Tls12 => "TLSv1.2", SslProtocols.Tls13 => "TLSv1.3", _ => null };
        return new TransmitResult.Accepted(conversation.Reply, Key.Host, protocol) { TlsFailure = tlsFailure };
    }

    /// <summary>Takes leave (RFC 5321 §4.1.1.10), with little patience, and closes.</summary>
    public async Task Quit()
    {
        try
        {
            conversation.Arm(Courtesy);
            await conversation.Write("QUIT\r\n"u8.ToArray());
            await conversation.Hear();
        }
        catch (Exception e) when (IsOfTheNetwork(e))
        {
            // The other side was quicker.
        }
        Dispose();
    }

    public void Dispose() => conversation.Dispose();

    private static async Task<(SmtpConnection?, TransmitResult?, Negotiation)> Open(
        ConnectionKey key, TlsPolicy tls, string? earlierTlsFailure, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        var connection = new SmtpConnection(key, options, time, earlierTlsFailure);
        try
        {
            if (await connection.Connect(time, ct) is { } unreachable) return (null, unreachable, connection.negotiation);

            TransmitResult? failure;
            try
            {
                using var abort = ct.UnsafeRegister(static state => ((Conversation)state!).Abort(), connection.conversation);
                failure = await connection.Introduce(tls);
            }
            catch (Exception e) when (IsOfTheNetwork(e))
            {
                failure = connection.Explain(e, ct);
                // Unless the certificate was the reason.
                if (connection.conversation.Stage == Stage.StartTls && connection.negotiation.Outcome is null or (TlsResult.Success, _))
                    connection.negotiation.End(TlsResult.ValidationFailure, failure is TransmitResult.Unreachable { Reason: var reason } ? reason : Brief(e));
            }
            connection.inStep = failure is null;
            return (failure is null ? connection : null, failure, connection.negotiation);
        }
        finally
        {
            connection.conversation.Rest();
            if (!connection.inStep) connection.Dispose();
        }
    }

    private async Task<TransmitResult?> Connect(TimeProvider time, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ct);
        try
        {
            Key.Source?.Bind(socket);
            await socket.ConnectAsync(Key.EndPoint, either.Token);
            return null;
        }
        catch (SocketException e)
        {
            return new TransmitResult.Unreachable($"{Key.EndPoint}: {Reply.Printable(e.Message)}", Key.Host);
        }
        catch (OperationCanceledException)
        {
            ct.ThrowIfCancellationRequested();
            return new TransmitResult.Unreachable($"{Key.EndPoint}: no connection within {options.ConnectTimeout}", Key.Host);
        }
    }

    /// <summary>Everything before the first envelope. Null when all is well.</summary>
    private async Task<TransmitResult?> Introduce(TlsPolicy tls)
    {
        if (tls == TlsPolicy.Implicit) await conversation.StartTls(negotiation.Options());
        conversation.Await(Stage.Greeting);
        if (IsRefused(await conversation.Hear(), Stage.Greeting) || !await SayHello()) return refused;

        if (!offered.StartTls && tls is TlsPolicy.StartTls or TlsPolicy.Opportunistic)
        {
            negotiation.End(TlsResult.StartTlsNotSupported, "it does not offer STARTTLS");
            if (tls == TlsPolicy.StartTls || Key.Demand.IsEnforced) return await Leave(new TransmitResult.Unreachable($"{Key.Host} offers no STARTTLS", Key.Host) { Stage = Stage.StartTls });
        }
        if (offered.StartTls && tls is TlsPolicy.StartTls or TlsPolicy.Opportunistic)
        {
            negotiation.IsTried = true;
            if (IsRefused(await conversation.Ask("STARTTLS", Stage.StartTls), Stage.StartTls))
            {
                negotiation.End(TlsResult.StartTlsNotSupported, refused!.Reply.ToString());
                return refused;
            }
            await conversation.StartTls(negotiation.Options());
            if (!await SayHello()) return refused;
        }
        if (Key.Demand.RequireTls && !offered.RequireTls)
            return await Leave(new TransmitResult.Refused(new Reply(550, "5.7.30", $"{Key.Host} does not support REQUIRETLS, which the message demands"), Key.Host, Stage.MailFrom));
        return Key.Credentials is { } credentials ? await Login.At(conversation, credentials, Key, offered) : null;
    }

    /// <summary>Says QUIT, and does not wait for the answer.</summary>
    private async Task<TransmitResult> Leave(TransmitResult why)
    {
        conversation.Arm(Courtesy);
        await conversation.Write("QUIT\r\n"u8.ToArray());
        return why;
    }

    private async Task<bool> SayHello()
    {
        offered = Offered.Nothing;
        var name = Key.Source?.HeloName ?? options.HeloName;
        if (!IsRefused(await conversation.Ask($"EHLO {name}", Stage.Hello), Stage.Hello))
        {
            offered = Offered.Read(conversation.Lines);
            return true;
        }
        if (refused!.Reply.Code == 421 || IsRefused(await conversation.Ask($"HELO {name}", Stage.Hello), Stage.Hello)) return false;
        refused = null;
        return true;
    }

    /// <summary>Why this host cannot take this message whatever it says.</summary>
    private Reply? Unsendable(Transmission transmission)
    {
        // RFC 6531 §3.1 makes 8BITMIME a part of SMTPUTF8.
        if (transmission.NeedsSmtpUtf8 && !(offered.SmtpUtf8 && offered.EightBitMime))
        {
            return new Reply(550, "5.6.7", "the receiver does not support internationalised addresses (SMTPUTF8)");
        }
        if (transmission.EightBit && !offered.EightBitMime)
        {
            return new Reply(554, "5.6.3", "the receiver does not support 8-bit content (8BITMIME)");
        }
        return offered.SizeMax > 0 && transmission.Bytes > offered.SizeMax
            ? new Reply(552, "5.3.4", $"the message has {transmission.Bytes} octets and the receiver takes {offered.SizeMax}")
            : null;
    }

    /// <summary>MAIL, RCPT and DATA, in one write where the host allows it (RFC 2920).</summary>
    /// <returns>True when the host has asked for the content, be it that it has <see cref="refused"/> too.</returns>
    private async Task<bool> SendEnvelope(Transmission transmission)
    {
        var size = offered.SizeMax > 0 ? $" SIZE={transmission.Bytes}" : "";
        var mail = $"MAIL FROM:<{transmission.MailFrom}>{size}{(transmission.NeedsSmtpUtf8 ? " SMTPUTF8" : "")}{(transmission.EightBit ? " BODY=8BITMIME" : "")}{(Key.Demand.RequireTls ? " REQUIRETLS" : "")}{(offered.Dsn ? NotificationOf(transmission) : "")}";
        var recipient = $"RCPT TO:<{transmission.Recipient}>{(offered.Dsn ? NotificationTo(transmission.Recipient) : "")}";
        if (!offered.Pipelining)
        {
            return !IsRefused(await conversation.Ask(mail, Stage.MailFrom), Stage.MailFrom)
                && !IsRefused(await conversation.Ask(recipient, Stage.RcptTo), Stage.RcptTo)
                && IsAsked(await conversation.Ask("DATA", Stage.Data));
        }

        conversation.Await(Stage.MailFrom);
        await conversation.Write(Encoding.UTF8.GetBytes($"{mail}\r\n{recipient}\r\nDATA\r\n"));
        // After 421 nothing more comes.
        if (IsRefused(await conversation.Hear(), Stage.MailFrom) && refused!.Reply.Code == 421) return false;
        conversation.Await(Stage.RcptTo);
        if (IsRefused(await conversation.Hear(), Stage.RcptTo) && conversation.Reply.Code == 421) return false;
        conversation.Await(Stage.Data);
        return IsAsked(await conversation.Hear());
    }

    /// <summary>The header is all that is read of what comes back (RFC 3461 §4.3).</summary>
    private static string NotificationOf(Transmission transmission) => $" RET=HDRS{(transmission.EnvelopeId is { } id ? $" ENVID={id}" : "")}";

    /// <summary>Of failures alone: whoever took the mail goes on trying, and need not tell of it. With the address as it was here, in xtext (RFC 3461 §4), where it is ASCII.</summary>
    private static string NotificationTo(string recipient) => " NOTIFY=FAILURE" + (Ascii.IsValid(recipient)
        ? " ORCPT=rfc822;" + string.Concat(recipient.Select(character => character is < '!' or > '~' or '+' or '=' ? $"+{(int)character:X2}" : character.ToString()))
        : "");

    private bool IsAsked(int code) => code == 354 || (IsRefused(code, Stage.Data) ? false : throw new IOException($"it answered DATA with {code}"));

    /// <summary>The content, then the final dot if the gate allows it.</summary>
    /// <returns>False when it does not.</returns>
    private async Task<bool> SendContent(Transmission transmission)
    {
        using var content = new OutgoingContent(conversation);
        conversation.AwaitBlock();
        await conversation.BeInTurn();
        foreach (var part in transmission.Content) await content.Append(part);

        // What the gate allows holds for so long as the reply to the final dot may take: the clock starts here, and not again after the dot.
        conversation.Await(Stage.Content);
        var gate = Ask(transmission.DotGate);
        // A gate that has to look something up does so while the last block travels; else that leaves together with the dot.
        if (!gate.IsCompleted) await Task.WhenAll(gate, content.Flush().AsTask());
        if (!await gate) return false;

        CrashPoint.Pass("before-dot");
        dotSent = true;
        await content.End();
        CrashPoint.Pass("after-dot");
        IsRefused(await conversation.Hear(), Stage.Content);
        return true;
    }

    private async Task<bool> Ask(Func<CancellationToken, ValueTask<bool>> gate)
    {
        try
        {
            return await gate(conversation.Ended);
        }
        catch (Exception e) when (!conversation.Ended.IsCancellationRequested)
        {
            // The caller's own, whatever its type: not to be taken for one of the network.
            gateError = e;
            throw;
        }
    }

    /// <summary>After a refusal, so that the connection can be used again.</summary>
    /// <param name="asked">The host waits for content nevertheless.</param>
    private async Task<bool> Reset(bool asked)
    {
        if (refused!.Reply.Code == 421) return false;
        // A lone dot ends it (RFC 2920 §3.1), but only where no recipient was accepted: one would get an empty message.
        if (asked && refused.Stage != Stage.RcptTo) return false;

        conversation.Arm(Courtesy);
        await conversation.Write(asked ? ".\r\nRSET\r\n"u8.ToArray() : "RSET\r\n"u8.ToArray());
        if (asked) await conversation.Hear();
        return await conversation.Hear() / 100 == 2;
    }

    /// <summary>Remembers the first refusal.</summary>
    /// <exception cref="IOException">The reply is neither yes nor no.</exception>
    private bool IsRefused(int code, Stage stage)
    {
        if (code / 100 == 2) return false;
        if (code < 400) throw new IOException($"it answered with {code}");
        refused ??= new TransmitResult.Refused(conversation.Reply, Key.Host, stage);
        return true;
    }

    private TransmitResult Explain(Exception e, CancellationToken ct)
    {
        if (refused is not null) return refused;
        if (conversation.WasAborted) throw new OperationCanceledException(ct);
        if (e is OutOfTurnException { Reply: { Code: >= 400 } early } && !dotSent) return new TransmitResult.Refused(early, Key.Host, conversation.Stage);

        var during = conversation.Stage switch
        {
            Stage.Connect => "connecting",
            Stage.Greeting => "waiting for the greeting",
            Stage.Hello => "saying hello (EHLO)",
            Stage.StartTls => "starting TLS",
            Stage.Auth => "logging in (AUTH)",
            Stage.MailFrom => "sending MAIL FROM",
            Stage.RcptTo => "sending RCPT TO",
            Stage.Data => "sending DATA",
            _ => dotSent ? "waiting for the reply to the final dot" : "sending the content",
        };
        var reason = conversation.TimedOut ? $"no answer within {conversation.Patience} while {during}" : $"failed while {during}: {Brief(e)}";
        return dotSent ? new TransmitResult.Uncertain(reason, Key.Host) : new TransmitResult.Unreachable(reason, Key.Host) { Stage = conversation.Stage };
    }

    /// <summary>What went wrong in TLS is told by the innermost exception alone.</summary>
    private static string Brief(Exception e) => Reply.Printable(e is AuthenticationException ? $"TLS handshake: {e.GetBaseException().Message}" : e.Message);

    /// <summary>What the sockets and TLS throw for what the other side, the network or a deadline did.</summary>
    private static bool IsOfTheNetwork(Exception e) => e is IOException or SocketException or AuthenticationException or OperationCanceledException;
}
