using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Smtp.Submission;
using MailApi.Testing.Fuzzing;
using MimeKit;

namespace MailApi.Bench.Fuzz;

/// <summary>Messages that their callers composed: refused in words, or made fit to be signed and sent.</summary>
internal static class SubmissionTarget
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 6, 0, 0, TimeSpan.Zero);
    private static readonly FeedbackLoop Loop = new("feedback@bounces.shop.test", "0198c0de");

    public static readonly byte[][] Seeds = Texts.Octets(
        "From: Shop <a@shop.test>\r\nTo: b@example.net\r\nSubject: Hello\r\n\r\nHello.\r\n",
        "From: =?utf-8?B?5p2O5a6J?= <a@shop.test>\r\nTo: b@example.net,\r\n \"C, D\" <c@example.net>\r\nBcc: secret@example.net\r\nSubject: 您的订单\r\nMessage-ID: <1@shop.test>\r\nDate: Mon, 30 Nov 2026 06:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n您好\r\n--b\r\nContent-Type: application/pdf; name*=utf-8''%E5%8F%91.pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAAAA\r\n--b--\r\n",
        "From: a@shop.test\r\nSender: c@shop.test\r\nReply-To: d@shop.test\r\nTo: undisclosed-recipients:;\r\nSubject: x\r\nX-MailApi-Tag: order\r\nList-Unsubscribe: <mailto:u@shop.test>, <https://shop.test/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E6=82=A8=\r\n.\r\n..\r\n");

    public static readonly string[] Words =
    [
        "From: a@shop.test\r\n", "From:", "To: ", "Cc: b@example.net\r\n", "Bcc: b@example.net\r\n", "Sender: c@shop.test\r\n", "Subject: =?utf-8?Q?=0D=0ABcc:_x?=\r\n", "=?utf-8?B?", "?=", "Message-ID: <", "Date: ", "MIME-Version: 1.0\r\n", "Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n", "--b--\r\n", "Content-Type: message/rfc822\r\n",
        "Content-Type: text/plain; charset=gb18030\r\n", "Content-Transfer-Encoding: 8bit\r\n", "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: binary\r\n", "Resent-From: x@y.test\r\n", "Return-Path: <>\r\n", "DKIM-Signature: v=1\r\n", "CFBL-Address: x@y.test\r\n", "X-MailApi-Category: marketing\r\n", "\r\n\r\n", "\r\n ", ": ", "您", "\u00e9", "group: a@b.test;", "(comment)",
    ];

    public static string Try(byte[] input)
    {
        var octets = Lines(input);
        if (octets is not [(byte)' ' or (byte)'\t', ..] && Lasting([.. "Date: Mon, 30 Nov 2026 06:00:00 +0000\r\nMessage-ID: <other@shop.test>\r\n"u8, .. octets]) != Lasting(octets))
            throw new InvalidOperationException("Another date makes it another message.");
        if (!SubmittedMessage.TryRead(octets, out var message, out var fault)) return fault.Split('\'', ':')[0];
        if (message.ToBytes("0198c0de", Now, Loop) is not { } bytes) return "no 7-bit";
        var text = Encoding.Latin1.GetString(bytes);
        if (!text.EndsWith("\r\n", StringComparison.Ordinal) || text.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().ContainsAny("\r\n\0")) throw new InvalidOperationException("A line end or a NUL that may not leave.");
        var header = text[..(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and var end ? end : text.Length)];
        if (!message.NeedsSmtpUtf8 && !Ascii.IsValid(text)) throw new InvalidOperationException("Not 7-bit.");
        if (message.NeedsSmtpUtf8 && !Ascii.IsValid(text.AsSpan(header.Length))) throw new InvalidOperationException("A body that is not 7-bit.");
        var names = header.Split("\r\n").Where(line => line.Length > 0 && line[0] is not (' ' or '\t')).Select(line => line.Split(':')[0].TrimEnd().ToUpperInvariant()).ToList();
        foreach (var name in (string[])["FROM", "DATE", "MESSAGE-ID", "MIME-VERSION", "CFBL-ADDRESS", "CFBL-FEEDBACK-ID", "SUBJECT"])
            if (names.Count(it => it == name) != 1 && !(name == "SUBJECT" && !names.Contains(name))) throw new InvalidOperationException($"{name} stands there {names.Count(it => it == name)} times.");
        if (names.Contains("BCC") || names.Contains("RETURN-PATH")) throw new InvalidOperationException("A field that may not leave.");

        // The header alone: for parameters in parts that no name belongs to, this reader takes memory by the square.
        var read = new MimeParser(new MemoryStream(bytes)).ParseHeaders();
        if (!InternetAddressList.TryParse(read[read.IndexOf(HeaderId.From)].RawValue, out var from) || from.Mailboxes.Count() != 1) throw new InvalidOperationException($"A reader sees {from?.Count} authors.");
        // With the fields that were added it may be too long to come in once more.
        if (names.Count > SubmittedHeader.FieldsMax) return "full";
        if (!SubmittedMessage.TryRead(bytes, out var again, out fault)) throw new InvalidOperationException($"What it was made into is refused: {fault}");
        if (again.From != message.From || again.Sender != message.Sender || again.Subject.Trim() != message.Subject.Trim()) throw new InvalidOperationException($"It reads otherwise: {again.From} {again.Subject}");
        return $"{message.NeedsSmtpUtf8} {message.Sender is null} {Math.Min(3, message.Instructions.Count)} {Math.Min(12, names.Count)} {read[HeaderId.ContentType]?.Split(';')[0].Length} {bytes.Length == octets.Length}";
    }

    private static string Lasting(byte[] octets) => string.Concat(LastingOctets.Of(octets).Select(piece => Encoding.Latin1.GetString(piece.Span)));

    /// <summary>As the listener hands it over: every line ends with CRLF, and no CR or LF stands alone.</summary>
    private static byte[] Lines(byte[] input)
    {
        var octets = new List<byte>(input.Length + 16);
        for (var at = 0; at < input.Length; at++)
        {
            if (input[at] is not ((byte)'\r' or (byte)'\n'))
            {
                octets.Add(input[at]);
                continue;
            }
            octets.AddRange("\r\n"u8);
            if (input[at] == '\r' && at + 1 < input.Length && input[at + 1] == '\n') at++;
        }
        return [.. octets];
    }
}
