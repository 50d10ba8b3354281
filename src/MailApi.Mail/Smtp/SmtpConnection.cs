using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using MailApi.Mail.Routing;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace MailApi.Mail.Smtp;

/// <summary>What makes two connections interchangeable.</summary>
internal sealed record ConnectionKey(string Host, IPEndPoint EndPoint, TlsPolicy Tls, RelayCredentials? Credentials);

/// <summary>One connection to one address of a mail host, greeted and, where asked, protected and logged in.</summary>
internal sealed class SmtpConnection : IDisposable
{
    private readonly Socket socket;
    private readonly RawClient client;
    private readonly Conversation conversation;
    private readonly string? tlsFailure;
    private Exception? gateError;

    private SmtpConnection(ConnectionKey key, Socket socket, RawClient client, Conversation conversation, string? tlsFailure)
    {
        (Key, this.socket, this.client, this.conversation, this.tlsFailure) = (key, socket, client, conversation, tlsFailure);
    }

    public ConnectionKey Key { get; }
    public int Messages { get; private set; }

    /// <summary>The receiver has asked for the content of the last message: it must not be sent again without thought.</summary>
    public bool ContentBegun => this.conversation.ContentBegun;

    /// <summary>Fit for another message: in step, and the other side has neither hung up nor said anything in the meantime.</summary>
    public bool IsUsable => this.client.IsConnected && !this.conversation.OutOfStep && !this.conversation.Ended.IsCancellationRequested
        && this.conversation.Refusal?.Reply.Code != 421 && !this.socket.Poll(0, SelectMode.SelectRead);

    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public static async Task<(SmtpConnection? Connection, TransmitResult? Failure)> Open(ConnectionKey key, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        var tls = key.Tls switch
        {
            TlsPolicy.None => SecureSocketOptions.None,
            TlsPolicy.Opportunistic => SecureSocketOptions.StartTlsWhenAvailable,
            TlsPolicy.StartTls => SecureSocketOptions.StartTls,
            _ => SecureSocketOptions.SslOnConnect,
        };
        var (connection, failure, tlsFailure) = await Open(key, tls, null, options, time, ct);
        // RFC 7435 §4: in the clear is better than not at all, where nobody asked for more.
        if (tlsFailure is not null && key.Tls == TlsPolicy.Opportunistic)
        {
            (connection, failure, _) = await Open(key, SecureSocketOptions.None, tlsFailure, options, time, ct);
        }
        return (connection, failure);
    }

    /// <summary>Sends one envelope. Afterwards the connection may be used again only if <see cref="IsUsable"/>.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled before the content began.</exception>
    public async Task<TransmitResult> Send(Transmission transmission, CancellationToken ct)
    {
        Messages++;
        if (Unsendable(transmission) is { } refused) return new TransmitResult.Refused(refused, Key.Host, Stage.MailFrom);

        using var message = RawMessage.Of(transmission, token => BeforeDot(transmission, token));
        this.conversation.Begin(Stage.MailFrom);
        try
        {
            using var abort = ct.UnsafeRegister(static state => ((Conversation)state!).Abort(), this.conversation);
            var format = new FormatOptions { International = transmission.NeedsSmtpUtf8 };
            await this.client.SendAsync(format, message, new MailboxAddress("", transmission.MailFrom), [new MailboxAddress("", transmission.Recipient)], this.conversation.Ended);
        }
        catch (GateClosedException)
        {
            return new TransmitResult.GateClosed(Key.Host);
        }
        catch (Exception e) when (!ReferenceEquals(e, gateError) && IsOfTheNetwork(e))
        {
            return Explain(e, ct);
        }
        finally
        {
            this.conversation.Rest();
        }
        return Explain(null, ct);
    }

    /// <summary>Takes leave (RFC 5321 §4.1.1.10), with little patience, and closes.</summary>
    public async Task Quit()
    {
        try
        {
            this.conversation.TakeLeave();
            if (this.client.IsConnected) await this.client.DisconnectAsync(quit: true, this.conversation.Ended);
        }
        catch (Exception e) when (IsOfTheNetwork(e))
        {
            // The other side was quicker.
        }
        Dispose();
    }

    public void Dispose()
    {
        this.client.Dispose();
        this.socket.Dispose();
        this.conversation.Dispose();
    }

    /// <returns>The last value: why TLS failed, where another try without it might succeed.</returns>
    private static async Task<(SmtpConnection?, TransmitResult?, string? TlsFailure)> Open(
        ConnectionKey key, SecureSocketOptions tls, string? earlierTlsFailure, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        var socket = new Socket(key.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var conversation = new Conversation(options.Timeouts, time);
        var client = new RawClient(conversation, options.TrustedRoots) { LocalDomain = options.HeloName, SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        if (key.Tls == TlsPolicy.Opportunistic) AcceptAnyCertificate(client);
        var connection = new SmtpConnection(key, socket, client, conversation, earlierTlsFailure);
        var opened = false;
        try
        {
            if (await Connect(socket, key, options, time, ct) is { } unreachable) return (null, unreachable, null);

            conversation.Begin(Stage.Greeting);
            using var abort = ct.UnsafeRegister(static state => ((Conversation)state!).Abort(), conversation);
            await client.ConnectAsync(socket, key.Host, key.EndPoint.Port, tls, conversation.Ended);
            // BDAT has no final dot to hold back.
            client.Capabilities &= ~(SmtpCapabilities.Chunking | SmtpCapabilities.BinaryMime);
            if (key.Credentials is { } credentials)
            {
                if (await Login.At(client, credentials, key, conversation.Ended) is { } impossible) return (null, impossible, null);
            }
            opened = true;
            return (connection, null, null);
        }
        catch (Exception e) when (IsOfTheNetwork(e))
        {
            var failure = connection.Explain(e, ct);
            var ofTls = e is SslHandshakeException || conversation.Stage == Stage.StartTls || conversation.Refusal?.Stage == Stage.StartTls;
            return (null, failure, ofTls ? Conversation.Brief(e) : null);
        }
        finally
        {
            conversation.Rest();
            if (!opened) connection.Dispose();
        }
    }

    [SuppressMessage("Security", "CA5359", Justification = "Mail hosts seldom have a certificate for their name; encryption to anyone beats none (RFC 7435).")]
    private static void AcceptAnyCertificate(RawClient client) => client.ServerCertificateValidationCallback = static (_, _, _, _) => true;

    private static async Task<TransmitResult?> Connect(Socket socket, ConnectionKey key, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ct);
        try
        {
            await socket.ConnectAsync(key.EndPoint, either.Token);
            return null;
        }
        catch (SocketException e)
        {
            return new TransmitResult.Unreachable($"{key.EndPoint}: {Reply.Printable(e.Message)}", key.Host);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new TransmitResult.Unreachable($"{key.EndPoint}: no connection within {options.ConnectTimeout}", key.Host);
        }
    }

    private async Task BeforeDot(Transmission transmission, CancellationToken token)
    {
        var open = false;
        try
        {
            open = await transmission.DotGate(token);
        }
        catch (Exception e) when (!token.IsCancellationRequested)
        {
            // The caller's own, whatever its type: not to be taken for one of the network.
            gateError = e;
            throw;
        }
        if (!open) throw new GateClosedException();
        this.conversation.SendDot();
    }

    /// <summary>Why this host cannot take this message whatever it says.</summary>
    private Reply? Unsendable(Transmission transmission)
    {
        var offered = this.client.Capabilities;
        // RFC 6531 §3.1 makes 8BITMIME a part of SMTPUTF8.
        if (transmission.NeedsSmtpUtf8 && !(offered.HasFlag(SmtpCapabilities.UTF8) && offered.HasFlag(SmtpCapabilities.EightBitMime)))
        {
            return new Reply(550, "5.6.7", "the receiver does not support internationalised addresses (SMTPUTF8)");
        }
        if (transmission.EightBit && !offered.HasFlag(SmtpCapabilities.EightBitMime))
        {
            return new Reply(554, "5.6.3", "the receiver does not support 8-bit content (8BITMIME)");
        }
        var bytes = transmission.Content.Sum(part => (long)part.Length);
        return offered.HasFlag(SmtpCapabilities.Size) && this.client.MaxSize > 0 && bytes > this.client.MaxSize
            ? new Reply(552, "5.3.4", $"the message has {bytes} octets and the receiver takes {this.client.MaxSize}")
            : null;
    }

    private TransmitResult Explain(Exception? e, CancellationToken ct)
    {
        if (this.conversation.Accepted is { } accepted)
        {
            var protocol = this.client.SslProtocol switch { SslProtocols.Tls12 => "TLSv1.2", SslProtocols.Tls13 => "TLSv1.3", _ => null };
            return new TransmitResult.Accepted(accepted, Key.Host, protocol) { TlsFailure = this.tlsFailure };
        }
        if (this.conversation.Refusal is { } refusal) return new TransmitResult.Refused(refusal.Reply, Key.Host, refusal.Stage);
        if (this.conversation.WasAborted || (e is OperationCanceledException && !this.conversation.TimedOut)) throw new OperationCanceledException(ct);

        // A reply that came before its command was seen by MailKit alone.
        if (e is SmtpCommandException { StatusCode: >= (SmtpStatusCode)400 } early && !this.conversation.DotSent)
        {
            return new TransmitResult.Refused(Reply.From((int)early.StatusCode, early.Message), Key.Host, this.conversation.Stage);
        }
        var reason = this.conversation.Loss(e ?? new SmtpProtocolException("no reply was read"));
        return this.conversation.DotSent ? new TransmitResult.Uncertain(reason, Key.Host) : new TransmitResult.Unreachable(reason, Key.Host);
    }

    /// <summary>What MailKit and the sockets below throw for what the other side, the network or a deadline did. UriFormatException: a host name that MailKit's URI cannot hold.</summary>
    private static bool IsOfTheNetwork(Exception e) => e is IOException or SocketException or TimeoutException or OperationCanceledException
        or SmtpCommandException or SmtpProtocolException or ServiceNotAuthenticatedException or ServiceNotConnectedException
        or SslHandshakeException or MailKit.Security.AuthenticationException or SaslException or NotSupportedException or ObjectDisposedException or UriFormatException;

    /// <summary>Leaves MailKit before the final dot; it drops the connection for any exception that is not of its own.</summary>
    private sealed class GateClosedException : Exception;
}
