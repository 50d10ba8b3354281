using System.IO.Pipelines;
using System.Net;

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

    public ReceptionLimits Limits { get; init; } = new();

    /// <summary>Leads one session to its end. What the policy throws comes through; what clients do does not throw.</summary>
    /// <param name="transport">The connection. It stays the caller's, who completes it afterwards.</param>
    /// <param name="client">The other end of it.</param>
    /// <param name="time">Measures the limits' times.</param>
    /// <param name="stopping">Ends the session with 421 as soon as it waits for the client.</param>
    /// <param name="ct">The connection is lost. Handed on to the policy only: the pipes tell the session.</param>
    public async Task Serve(IDuplexPipe transport, EndPoint? client, TimeProvider time, CancellationToken stopping, CancellationToken ct)
    {
        using var wire = new Wire(transport, Limits, time, stopping);
        await new Session(this, wire, client, time).Run(ct);
    }
}

/// <summary>Who sends: the client, its name for itself, and the reverse-path; null for the null reverse-path <c>&lt;&gt;</c> of bounces.</summary>
public sealed record Sender(EndPoint? Client, string Helo, MailPath? MailFrom);

/// <summary>A message as it came, without the dots that transparency added (RFC 5321 §4.5.2). All its lines end with CRLF.</summary>
/// <param name="Sender">Where it came from.</param>
/// <param name="Recipients">Those that were answered positively, at least one, in the order given, repeated where the client repeats them.</param>
/// <param name="SmtpUtf8">The client declared SMTPUTF8 (RFC 6531): addresses and header fields may hold UTF-8.</param>
/// <param name="Content">The octets, valid only until the delivery ends.</param>
public sealed record ReceivedMessage(Sender Sender, IReadOnlyList<MailPath> Recipients, bool SmtpUtf8, ReadOnlyMemory<byte> Content);
