using System.Globalization;
using System.Net;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>
/// The server's side of one SMTP session (RFC 5321): the greeting, then a method for each command, in the order in which a client uses them. With
/// PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), CHUNKING (3030) and ENHANCEDSTATUSCODES (2034).
/// </summary>
/// <remarks>
/// Each method answers whether the session goes on. Deliberately absent: a VRFY that tells anything, EXPN, TURN, source routes, BINARYMIME, and any line
/// end but CRLF.
/// </remarks>
internal sealed class Session(Reception reception, Wire wire, EndPoint? client, TimeProvider time)
{
    private readonly ReceptionLimits limits = reception.Limits;
    private string? helo;
    private Transaction? transaction;
    private int errors;

    public async Task Run(CancellationToken ct)
    {
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
            // STARTTLS (RFC 3207) and AUTH (RFC 4954) belong here, before the commands that may depend on them.
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

    private IEnumerable<string> Extensions() =>
    [
        "PIPELINING", string.Create(CultureInfo.InvariantCulture, $"SIZE {limits.MessageBytesMax}"), "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES", "HELP",
    ];

    private bool Mail(string text)
    {
        if (helo is null) return Refuse(Replies.HelloFirst);
        if (transaction is not null) return Refuse(Replies.MailTwice);
        if (!PathArgument.TryParse(text, "FROM:", out var argument) || argument.Path is { Domain: "" }) return Refuse(Replies.BadMailFrom);
        if (BadMailParameter(argument) is { } bad) return Refuse(bad);
        var smtpUtf8 = argument.Parameters.Any(parameter => parameter.Name == "SMTPUTF8");
        if (argument.Path is { NeedsSmtpUtf8: true } && !smtpUtf8) return Refuse(Replies.NeedsSmtpUtf8);
        transaction = new Transaction(new Sender(client, helo, argument.Path), smtpUtf8);
        return Answer(Replies.SenderOk);
    }

    private Reply? BadMailParameter(PathArgument argument)
    {
        var seen = new HashSet<string>();
        foreach (var (name, value) in argument.Parameters)
        {
            switch (name)
            {
                case var _ when !seen.Add(name):
                    return Replies.BadParameter(name);
                case "SIZE" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size):
                    if (size > limits.MessageBytesMax) return Replies.TooLarge(limits);
                    break;
                case "BODY" when value.ToUpperInvariant() is "7BIT" or "8BITMIME":
                case "SMTPUTF8" when value.Length == 0:
                    break;
                case "SIZE" or "BODY" or "SMTPUTF8":
                    return Replies.BadParameter(name);
                default:
                    return Replies.UnknownParameter(name);
            }
        }
        return null;
    }

    private async ValueTask<bool> Recipient(string text, CancellationToken ct)
    {
        if (transaction is null) return Refuse(Replies.MailFirst);
        if (transaction.Content is not null) return Refuse(Replies.ChunksBegun);
        if (!PathArgument.TryParse(text, "TO:", out var argument) || argument.Path is null) return Refuse(Replies.BadRcptTo);
        if (argument.Parameters is [var (name, _), ..]) return Refuse(Replies.UnknownParameter(name));
        if (argument.Path.NeedsSmtpUtf8 && !transaction.SmtpUtf8) return Refuse(Replies.NeedsSmtpUtf8);
        if (transaction.Recipients.Count >= limits.RecipientsMax) return Answer(Replies.TooManyRecipients);

        var reply = await reception.CheckRecipient(transaction.Sender, argument.Path, ct);
        if (reply.IsPositive) transaction.Recipients.Add(argument.Path);
        return Answer(reply);
    }

    private async ValueTask<bool> Data(string argument, CancellationToken ct)
    {
        if (argument.Length > 0) return Refuse(Replies.NoArgument);
        if (transaction is null) return Refuse(Replies.MailFirst);
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
            return Refuse(fault);
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
    }

    private bool Answer(Reply reply)
    {
        wire.Write(reply);
        return true;
    }

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
