using System.IO.Pipelines;
using System.Net;
using System.Net.Security;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>The policy of a listener: which recipients it takes, and what becomes of their mail. The protocol is in <see cref="Session"/>.</summary>
public sealed record Reception
{
    /// <summary>Names the host in the greeting and in the answer to EHLO.</summary>
    public required string HostName { get; init; }

    /// <summary>Answers RCPT. A positive reply makes the recipient part of the transaction; any other goes to the client as it is.</summary>
    public required Func<Sender, MailPath, CancellationToken, Task<Reply>> CheckRecipient { get; init; }

    /// <summary>
    /// Takes a finished message. Its reply answers the final dot or chunk, so a positive one may only follow once the message is stored.
    /// <see cref="ReceivedMessage.Content"/> is lent until the task ends. An exception ends the connection without a reply.
    /// </summary>
    public required Func<ReceivedMessage, CancellationToken, Task<Reply>> Deliver { get; init; }

    /// <summary>What TLS is answered with, asked anew for each handshake; null where there is none. STARTTLS is offered (RFC 3207) where not <see cref="StartsWithTls"/>.</summary>
    public Func<SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>The first octets are a handshake (RFC 8314 §3.3).</summary>
    public bool StartsWithTls { get; init; }

    /// <summary>
    /// Answers AUTH (RFC 4954), under TLS alone; null where none is taken. Where it is set MAIL is refused until it answered positively. A refusal goes to the
    /// client as it is and counts; 421 ends the session.
    /// </summary>
    public Func<Credentials, CancellationToken, Task<Reply>>? Authenticate { get; init; }

    public ReceptionLimits Limits { get; init; } = new();

    /// <summary>Leads one session to its end. What the policy throws comes through; what clients do does not throw.</summary>
    /// <param name="transport">The connection. It stays the caller's, who completes it afterwards.</param>
    /// <param name="client">The other end of it.</param>
    /// <param name="time">Measures the limits' times.</param>
    /// <param name="stopping">Ends the session with 421 as soon as it waits for the client.</param>
    /// <param name="ct">The connection is lost. Handed on to the policy only: the pipes tell the session.</param>
    public async Task Serve(IDuplexPipe transport, EndPoint? client, TimeProvider time, CancellationToken stopping, CancellationToken ct)
    {
        await using var wire = new Wire(transport, Limits, time, stopping);
        if (!StartsWithTls || await wire.Secure(Tls!())) await new Session(this, wire, client, time).Run(ct);
    }
}

/// <summary>What a client logs in with. The name that it would act for (RFC 4616's authorization identity) is left out: nobody may act for another.</summary>
public sealed record Credentials(string UserName, string Password);

/// <summary>Who sends: the client, its name for itself, and the reverse-path; null for the null reverse-path <c>&lt;&gt;</c> of bounces.</summary>
public sealed record Sender(EndPoint? Client, string Helo, MailPath? MailFrom);

/// <summary>A message as it came, without the dots that transparency added (RFC 5321 §4.5.2). All its lines end with CRLF.</summary>
/// <param name="Sender">Where it came from.</param>
/// <param name="Recipients">Those that were answered positively, at least one, in the order given, repeated where the client repeats them.</param>
/// <param name="SmtpUtf8">The client declared SMTPUTF8 (RFC 6531): addresses and header fields may hold UTF-8.</param>
/// <param name="Content">The octets, valid only until the delivery ends.</param>
public sealed record ReceivedMessage(Sender Sender, IReadOnlyList<MailPath> Recipients, bool SmtpUtf8, ReadOnlyMemory<byte> Content);
