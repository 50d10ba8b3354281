using System.Globalization;
using System.Net;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>
/// The server's side of one SMTP session (RFC 5321): the greeting, then a method for each command, in the order in which a client uses them. With
/// PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), CHUNKING (3030), DSN (3461) and ENHANCEDSTATUSCODES (2034), and, where the policy has
/// them, STARTTLS (3207) and AUTH (4954).
/// </summary>
/// <remarks>
/// Each method answers whether the session goes on. Deliberately absent: a VRFY that tells anything, EXPN, TURN, BINARYMIME, and any line
/// end but CRLF.
/// </remarks>
internal sealed class Session(Reception reception, Wire wire, EndPoint? client, TimeProvider time)
{
    private readonly ReceptionLimits limits = reception.Limits;
    private string? helo;
    private Transaction? transaction;
    private int errors;
    private int loginFailures;
    private bool isAuthenticated;
    private bool isMailRefused;

    public async Task Run(CancellationToken ct)
    {
        if (reception.Authenticate is not null) wire.Deadline = limits.LoginTimeout;
        try
        {
            if (await Greet())
                while (await Next(ct))
                {
                }
            await wire.SayGoodbye();
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>A client that speaks before the greeting reads no replies: it is no mail server, or its mail has been tampered with.</summary>
    private async ValueTask<bool> Greet()
    {
        if (limits.GreetingPause > TimeSpan.Zero) await Task.Delay(limits.GreetingPause, time, CancellationToken.None);
        if (wire.HasInput()) return End(Replies.SpokeTooEarly);
        wire.Write(new Reply(220, null, $"{reception.HostName} ESMTP"));
        return true;
    }

    private async ValueTask<bool> Next(CancellationToken ct)
    {
        var line = await CommandLine.Read(wire, limits, time);
        if (line.Loss != Loss.None) return Lose(line.Loss);
        if (line.Fault is not null) return line.IsFatal ? End(line.Fault) : Refuse(line.Fault);
        return line.Verb switch
        {
            "EHLO" or "HELO" => Hello(line),
            "STARTTLS" when reception.Tls is not null => await StartTls(line.Argument),
            "AUTH" when reception.Authenticate is not null => await Authenticate(line.Argument, ct),
            "MAIL" => Mail(line.Argument),
            "RCPT" => await Recipient(line.Argument, ct),
            "DATA" => await Data(line.Argument, ct),
            "BDAT" => await Chunk(line.Argument, ct),
            "RSET" when line.Argument.Length > 0 => Refuse(Replies.NoArgument),
            "RSET" => Conclude(Replies.Ok),
            "NOOP" => Answer(Replies.Ok),
            "VRFY" when line.Argument.Length == 0 => Refuse(Replies.ArgumentExpected),
            "VRFY" => Answer(Replies.CannotVerify),
            "HELP" => Answer(Replies.Help),
            "QUIT" when line.Argument.Length > 0 => Refuse(Replies.NoArgument),
            "QUIT" => End(Replies.Bye),
            "EXPN" or "TURN" => Refuse(Replies.NotImplemented),
            _ => Refuse(Replies.Unrecognized),
        };
    }

    private bool Hello(CommandLine line)
    {
        if (!IsHostName(line.Argument)) return Refuse(Replies.NameExpected);
        // Pipelining is offered by this reply, and not before (RFC 2920 §3.1).
        if (wire.HasInput()) return End(Replies.SpokeTooEarly);
        Reset();
        helo = line.Argument;
        if (line.Verb == "HELO") wire.Write(250, [reception.HostName]);
        else wire.Write(250, [reception.HostName, .. Extensions()]);
        return true;
    }

    private IEnumerable<string> Extensions()
    {
        yield return "PIPELINING";
        yield return string.Create(CultureInfo.InvariantCulture, $"SIZE {limits.MessageBytesMax}");
        yield return "8BITMIME";
        yield return "SMTPUTF8";
        yield return "CHUNKING";
        yield return "DSN";
        yield return "ENHANCEDSTATUSCODES";
        if (reception.Tls is not null && !wire.IsSecure) yield return "STARTTLS";
        if (reception.Authenticate is not null && wire.IsSecure) yield return "AUTH PLAIN LOGIN";
        yield return "HELP";
    }

    /// <summary>What was said in the clear is forgotten (RFC 3207 §4.2), and what came with the command is never taken for what is said under TLS (§6).</summary>
    private async ValueTask<bool> StartTls(string argument)
    {
        if (argument.Length > 0) return Refuse(Replies.NoArgument);
        if (wire.IsSecure) return Refuse(Replies.TlsTwice);
        if (helo is null) return Refuse(Replies.HelloFirst);
        if (wire.HasInput()) return End(Replies.SpokeTooEarly);
        Reset();
        helo = null;
        wire.Write(Replies.ReadyForTls);
        return await wire.Secure(reception.Tls!());
    }

    /// <summary>Each refused login is answered later than the one before, and the last is the end.</summary>
    private async ValueTask<bool> Authenticate(string argument, CancellationToken ct)
    {
        if (!wire.IsSecure) return Refuse(Replies.TlsFirst);
        if (helo is null) return Refuse(Replies.HelloFirst);
        if (isAuthenticated) return Refuse(Replies.LoginTwice);
        if (transaction is not null) return Refuse(Replies.LoginInTransaction);
        var result = await new AuthExchange(wire, limits, time).Run(argument);
        if (result.Loss != Loss.None) return Lose(result.Loss);
        if (result.Fault is not null) return result.IsFatal ? End(result.Fault) : Refuse(result.Fault);
        // AUTH ends a group (RFC 4954 §4).
        if (wire.HasInput()) return End(Replies.SpokeTooEarly);

        var reply = await reception.Authenticate!(result.Credentials!, ct);
        isAuthenticated = reply.IsPositive;
        if (isAuthenticated) wire.Deadline = limits.SessionTimeout;
        // The store is away: that is no fault of the client's.
        if (!reply.IsPermanent) return Answer(reply);
        loginFailures++;
        await Task.Delay(limits.LoginFailurePause * loginFailures, time, CancellationToken.None);
        return loginFailures < limits.LoginFailuresMax ? Answer(reply) : End(Replies.TooManyLogins);
    }

    private bool Mail(string text)
    {
        isMailRefused = true;
        if (helo is null) return Refuse(Replies.HelloFirst);
        if (reception.Authenticate is not null && !isAuthenticated) return Refuse(wire.IsSecure ? Replies.LoginFirst : Replies.TlsFirst);
        if (transaction is not null) return Refuse(Replies.MailTwice);
        if (!PathArgument.TryParse(text, "FROM:", out var argument) || argument.Path is { Domain: "" }) return Refuse(Replies.BadMailFrom);
        if (Parameters.MailFault(argument, limits, takesAuth: reception.Authenticate is not null) is { } bad) return Refuse(bad);
        var smtpUtf8 = argument.Parameters.Any(parameter => parameter.Name == "SMTPUTF8");
        if (argument.Path is { NeedsSmtpUtf8: true } && !smtpUtf8) return Refuse(Replies.NeedsSmtpUtf8);
        transaction = new Transaction(new Sender(client, helo, argument.Path), smtpUtf8);
        isMailRefused = false;
        return Answer(Replies.SenderOk);
    }

    private async ValueTask<bool> Recipient(string text, CancellationToken ct)
    {
        if (transaction is null) return WithoutMail();
        if (transaction.Content is not null) return Refuse(Replies.ChunksBegun);
        if (!PathArgument.TryParse(text, "TO:", out var argument) || argument.Path is null) return Refuse(Replies.BadRcptTo);
        if (Parameters.RecipientFault(argument, transaction.SmtpUtf8) is { } bad) return Refuse(bad);
        if (argument.Path.NeedsSmtpUtf8 && !transaction.SmtpUtf8) return Refuse(Replies.NeedsSmtpUtf8);
        if (transaction.Recipients.Count >= limits.RecipientsMax) return Answer(Replies.TooManyRecipients);

        var reply = await reception.CheckRecipient(transaction.Sender, argument.Path, ct);
        if (reply.IsPositive) transaction.Recipients.Add(argument.Path);
        return Answer(reply);
    }

    private async ValueTask<bool> Data(string argument, CancellationToken ct)
    {
        if (argument.Length > 0) return Refuse(Replies.NoArgument);
        if (transaction is null) return WithoutMail();
        if (transaction.Content is not null) return Refuse(Replies.ChunksBegun);
        // No offence: a client that pipelines sends DATA before it knows that its recipients were refused (RFC 2920 §3.1).
        if (transaction.Recipients.Count == 0) return Conclude(Replies.NoRecipients);
        // Content that did not wait for 354 would be commands to a server that refuses DATA: never take it as either.
        if (wire.HasInput()) return End(Replies.SpokeTooEarly);

        wire.Write(Replies.StartContent);
        var loss = await wire.ReadDotted(transaction.Begin(limits));
        return loss == Loss.None ? await Deliver(transaction, ct) : Lose(loss);
    }

    /// <summary>
    /// BDAT (RFC 3030 §2): the chunk follows at once, so it is read whatever the answer will be. After a refused chunk the transaction is over and the
    /// chunks still under way meet 503.
    /// </summary>
    private async ValueTask<bool> Chunk(string argument, CancellationToken ct)
    {
        var words = argument.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var isLast = words is [_, var last] && last.Equals("LAST", StringComparison.OrdinalIgnoreCase);
        // Where the next command begins is not known any more.
        if (!(words.Length == 1 || isLast) || !long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var octets)) return End(Replies.BadBdat);

        var isExpected = transaction is { Recipients.Count: > 0 };
        var loss = await wire.ReadChunk(octets, isExpected ? transaction!.Begin(limits) : null);
        if (loss != Loss.None) return Lose(loss);
        if (transaction is null) return Answer(Replies.MailFirst);
        if (!isExpected) return Conclude(Replies.NoRecipients);
        if (isLast || transaction.Content!.Fault is not null) return await Deliver(transaction, ct);
        return Answer(Replies.ChunkTaken(octets));
    }

    private async ValueTask<bool> Deliver(Transaction finished, CancellationToken ct)
    {
        var content = finished.Content!;
        content.End();
        if (content.Fault is { } fault)
        {
            Reset();
            return fault.IsTransient ? Answer(fault) : Refuse(fault);
        }
        return Conclude(await reception.Deliver(new ReceivedMessage(finished.Sender, finished.Recipients, finished.SmtpUtf8, content.Octets), ct));
    }

    /// <summary>Answers what ends the transaction.</summary>
    private bool Conclude(Reply reply)
    {
        Reset();
        return Answer(reply);
    }

    private void Reset()
    {
        transaction?.Content?.Release();
        transaction = null;
        isMailRefused = false;
    }

    /// <summary>421 says that the connection ends, whoever chose it (RFC 5321 §3.8).</summary>
    private bool Answer(Reply reply)
    {
        wire.Write(reply);
        return reply.Code != 421;
    }

    /// <summary>No offence where MAIL was refused, since what was pipelined behind it was sent before its reply: a 421 among those of its group would have the client try again what is refused for good.</summary>
    private bool WithoutMail() => isMailRefused ? Answer(Replies.MailFirst) : Refuse(Replies.MailFirst);

    /// <summary>Answers an offence; one too many ends the session.</summary>
    private bool Refuse(Reply reply) => ++errors < limits.ErrorsMax ? Answer(reply) : End(Replies.TooManyErrors);

    private bool End(Reply reply)
    {
        wire.Write(reply);
        return false;
    }

    private bool Lose(Loss loss) => loss switch
    {
        Loss.TimedOut => End(Replies.TimedOut),
        Loss.Stopping => End(Replies.ShuttingDown),
        _ => false,
    };

    /// <summary>A name or address literal, as loosely as real clients write them; nothing that could do harm in a header field or a log.</summary>
    private static bool IsHostName(string text) =>
        text.Length is > 0 and <= 255 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_' or ':' or '[' or ']');
}
