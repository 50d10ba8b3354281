using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Smtp;

/// <summary>What makes two connections interchangeable.</summary>
internal sealed record ConnectionKey(string Host, IPEndPoint EndPoint, TlsPolicy Tls, RelayCredentials? Credentials);

/// <summary>One connection to one address of a mail host, greeted and, where asked, protected and logged in.</summary>
internal sealed class SmtpConnection : IDisposable
{
    /// <summary>For the reply to RSET and QUIT, on which nothing depends any more.</summary>
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(10);

    private readonly Socket socket;
    private readonly Conversation conversation;
    private readonly SmtpClientOptions options;
    private readonly string? tlsFailure;
    private Offered offered = Offered.Nothing;
    private TransmitResult.Refused? refused;
    private Exception? gateError;
    private bool inStep, dotSent;

    private SmtpConnection(ConnectionKey key, SmtpClientOptions options, TimeProvider time, string? tlsFailure)
    {
        (Key, this.options, this.tlsFailure) = (key, options, tlsFailure);
        socket = new Socket(key.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        conversation = new Conversation(socket, options.Timeouts, time);
    }

    public ConnectionKey Key { get; }
    public int Messages { get; private set; }

    /// <summary>The receiver has asked for the content of the last message: it must not be sent again without thought.</summary>
    public bool ContentBegun { get; private set; }

    /// <summary>Fit for another message: in step, and the other side has neither hung up nor said anything in the meantime.</summary>
    public bool IsUsable => inStep && conversation.IsQuiet;

    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public static async Task<(SmtpConnection? Connection, TransmitResult? Failure)> Open(ConnectionKey key, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        var (connection, failure, tlsFailure) = await Open(key, key.Tls, null, options, time, ct);
        // RFC 7435 §4: in the clear is better than not at all, where nobody asked for more.
        if (tlsFailure is not null && key.Tls == TlsPolicy.Opportunistic)
        {
            (connection, failure, _) = await Open(key, TlsPolicy.None, tlsFailure, options, time, ct);
        }
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

    /// <returns>The last value: why TLS failed, where another try without it might succeed.</returns>
    private static async Task<(SmtpConnection?, TransmitResult?, string? TlsFailure)> Open(
        ConnectionKey key, TlsPolicy tls, string? earlierTlsFailure, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        var connection = new SmtpConnection(key, options, time, earlierTlsFailure);
        try
        {
            if (await connection.Connect(time, ct) is { } unreachable) return (null, unreachable, null);

            TransmitResult? failure;
            string? reason = null;
            try
            {
                using var abort = ct.UnsafeRegister(static state => ((Conversation)state!).Abort(), connection.conversation);
                failure = await connection.Introduce(tls);
                reason = (failure as TransmitResult.Refused)?.Reply.ToString();
            }
            catch (Exception e) when (IsOfTheNetwork(e))
            {
                (failure, reason) = (connection.Explain(e, ct), Brief(e));
            }
            connection.inStep = failure is null;
            return failure is null ? (connection, null, null) : (null, failure, connection.conversation.Stage == Stage.StartTls ? reason : null);
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
        if (tls == TlsPolicy.Implicit) await conversation.StartTls(TlsOptions());
        conversation.Await(Stage.Greeting);
        if (IsRefused(await conversation.Hear(), Stage.Greeting) || !await SayHello()) return refused;

        if (tls == TlsPolicy.StartTls && !offered.StartTls) return new TransmitResult.Unreachable($"{Key.Host} offers no STARTTLS", Key.Host);
        if (tls is TlsPolicy.StartTls or TlsPolicy.Opportunistic && offered.StartTls)
        {
            if (IsRefused(await conversation.Ask("STARTTLS", Stage.StartTls), Stage.StartTls)) return refused;
            await conversation.StartTls(TlsOptions());
            if (!await SayHello()) return refused;
        }
        return Key.Credentials is { } credentials ? await Login.At(conversation, credentials, Key, offered) : null;
    }

    private async Task<bool> SayHello()
    {
        offered = Offered.Nothing;
        if (!IsRefused(await conversation.Ask($"EHLO {options.HeloName}", Stage.Hello), Stage.Hello))
        {
            offered = Offered.Read(conversation.Lines);
            return true;
        }
        if (refused!.Reply.Code == 421 || IsRefused(await conversation.Ask($"HELO {options.HeloName}", Stage.Hello), Stage.Hello)) return false;
        refused = null;
        return true;
    }

    [SuppressMessage("Security", "CA5359", Justification = "Mail hosts seldom have a certificate for their name; encryption to anyone beats none (RFC 7435).")]
    private SslClientAuthenticationOptions TlsOptions()
    {
        // Neither revocation lists nor issuers are fetched from addresses that the other side chose.
        var chain = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (options.TrustedRoots is { } roots)
        {
            chain.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.CustomTrustStore.AddRange(roots);
        }
        return new SslClientAuthenticationOptions
        {
            TargetHost = Key.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = chain,
            RemoteCertificateValidationCallback = Key.Tls == TlsPolicy.Opportunistic ? static (_, _, _, _) => true : null,
        };
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
        var mail = $"MAIL FROM:<{transmission.MailFrom}>{size}{(transmission.NeedsSmtpUtf8 ? " SMTPUTF8" : "")}{(transmission.EightBit ? " BODY=8BITMIME" : "")}";
        var recipient = $"RCPT TO:<{transmission.Recipient}>";
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

        dotSent = true;
        await content.End();
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
        return dotSent ? new TransmitResult.Uncertain(reason, Key.Host) : new TransmitResult.Unreachable(reason, Key.Host);
    }

    /// <summary>What went wrong in TLS is told by the innermost exception alone.</summary>
    private static string Brief(Exception e) => Reply.Printable(e is AuthenticationException ? $"TLS handshake: {e.GetBaseException().Message}" : e.Message);

    /// <summary>What the sockets and TLS throw for what the other side, the network or a deadline did.</summary>
    private static bool IsOfTheNetwork(Exception e) => e is IOException or SocketException or AuthenticationException or OperationCanceledException;
}
