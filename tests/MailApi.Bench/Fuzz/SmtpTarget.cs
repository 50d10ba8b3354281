using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;

namespace MailApi.Bench.Fuzz;

/// <summary>
/// What a client may send to the listener, over pipes in memory. The pipes run the session inline, so that each write is handled before it returns: the
/// input goes line by line as from a client that waits, now and then several lines at once, or a line in pieces.
/// </summary>
internal static class SmtpTarget
{
    private static readonly ReceptionLimits Limits = new() { MessageBytesMax = 32 << 10, CommandLineBytesMax = 512, TextLineBytesMax = 400, RecipientsMax = 20, ErrorsMax = 30 };

    public static readonly string[] Words =
    [
        "EHLO a.test\r\n", "HELO b.test\r\n", "MAIL FROM:<a@example.net>\r\n", "MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n", "MAIL FROM:<é@example.net> SMTPUTF8\r\n", "RCPT TO:<b@example.org>\r\n", "RCPT TO:<nobody@example.org>\r\n", "DATA\r\n", "BDAT 5\r\n", "BDAT 3 LAST\r\n", "BDAT 0 LAST\r\n",
        "BDAT 99999999999999999999\r\n", "RSET\r\n", "NOOP\r\n", "VRFY x\r\n", "HELP\r\n", "QUIT\r\n", "STARTTLS\r\n", "AUTH PLAIN AGEAYg==\r\n", "\r\n.\r\n", ".\r\n", "..\r\n", "\n.\n", "\r\n.\n", "\r", "\n", "\0", "SIZE=", "ORCPT=rfc822;b@example.org", " RET=HDRS", " NOTIFY=NEVER", "@[IPv6:::1]", "\"a b\"@example.net", "<@a,@b:c@d.example>",
    ];

    public static string Try(byte[] input)
    {
        var (toServer, toClient) = (Duplex.Pipe(), Duplex.Pipe());
        var delivered = new List<int>();
        var session = Serve(toServer, toClient, delivered);
        foreach (var piece in Pieces(input))
        {
            if (session.IsCompleted) break;
            toServer.Writer.Write(piece.Span);
            // Nothing pauses the writer: the flush has ended when the session waits for more.
            if (!toServer.Writer.FlushAsync(CancellationToken.None).AsTask().IsCompleted) throw new InvalidOperationException("The session does not take what was written.");
        }
        toServer.Writer.Complete();
        if (!session.IsCompleted) throw new InvalidOperationException("The session goes on after its client has gone.");
        session.GetAwaiter().GetResult();
        return $"{Replies(toClient)} {Math.Min(3, delivered.Count)}";
    }

    private static async Task Serve(Pipe toServer, Pipe toClient, List<int> delivered)
    {
        var reception = new Reception { HostName = "mx.test", CheckRecipient = (_, recipient, _) => Task.FromResult(Answer(recipient)), Deliver = Deliver, Limits = Limits };
        try
        {
            await reception.Serve(new Duplex(toServer.Reader, toClient.Writer), new IPEndPoint(IPAddress.Loopback, 4025), TimeProvider.System, CancellationToken.None, CancellationToken.None);
        }
        finally
        {
            await toServer.Reader.CompleteAsync();
            await toClient.Writer.CompleteAsync();
        }

        Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct)
        {
            if (message.Content.Length > Limits.MessageBytesMax) throw new InvalidOperationException("A message beyond the limit.");
            if (message.Recipients.Count is 0 || message.Recipients.Count > Limits.RecipientsMax) throw new InvalidOperationException($"A message to {message.Recipients.Count}.");
            if (HasBareLineEnd(message.Content.Span)) throw new InvalidOperationException("A CR or LF stands alone in what was delivered.");
            delivered.Add(message.Content.Length);
            return Task.FromResult(new Reply(250, "2.0.0", "Stored"));
        }
    }

    private static Reply Answer(MailPath recipient) => recipient.LocalPart == "nobody" ? new Reply(550, "5.1.1", "No such mailbox") : new Reply(250, "2.1.5", "OK");

    /// <summary>Cut by a generator that the input itself seeds: the same input is always sent in the same way.</summary>
    internal static IEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] input)
    {
        var random = new Random(input.Length);
        for (var at = 0; at < input.Length;)
        {
            var end = input.AsSpan(at).IndexOf((byte)'\n');
            var line = end < 0 ? input.Length - at : end + 1;
            var length = random.Next(16) switch
            {
                0 => 1 + random.Next(line),
                1 => Math.Min(input.Length - at, line + random.Next(1, 200)),
                _ => line,
            };
            yield return input.AsMemory(at, length);
            at += length;
        }
    }

    private static bool HasBareLineEnd(ReadOnlySpan<byte> content)
    {
        while (content.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var at)
        {
            if (content[at] == '\n' || at + 1 == content.Length || content[at + 1] != '\n') return true;
            content = content[(at + 2)..];
        }
        return false;
    }

    /// <summary>The codes that were answered, each once: every line must be one of SMTP.</summary>
    private static string Replies(Pipe toClient)
    {
        if (!toClient.Reader.TryRead(out var result)) return "";
        var text = Encoding.Latin1.GetString(result.Buffer);
        if (text.Length > 0 && !text.EndsWith("\r\n", StringComparison.Ordinal)) throw new InvalidOperationException("The last reply has no end.");
        var codes = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var line in text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length is < 4 or > 512 || !int.TryParse(line[..3], out var code) || code is < 200 or > 599 || line[3] is not (' ' or '-') || line.Any(char.IsControl)) throw new InvalidOperationException($"No reply of SMTP: {line}");
            codes.Add(line[..3]);
        }
        return string.Join(',', codes);
    }
}
