using CsCheck;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Tests.Properties;

/// <summary>What people write: in several scripts, with the marks that mail has a meaning for.</summary>
internal static class Given
{
    private static readonly Gen<string> Word = Gen.OneOf(
        Gen.OneOf("order", "=?utf-8?Q?x?=", "=", "=3D", "a,b;c:d", "\"quoted\"", "back\\slash", ".", "..", "(c)", "<b>", "@", "-- ", "From", "?=", "Grüße", "您的订单", "已发货", "日本語テキスト", "🚀", "👩‍👩‍👧", "Ελληνικά", "שלום", "​x"),
        Gen.Char['!', '~'].Array[1, 12].Select(chars => new string(chars)),
        Gen.Char['\u4e00', '\u9fa5'].Array[1, 60].Select(chars => new string(chars)),
        Gen.Select(Gen.Char['a', 'z'], Gen.Int[1, 1200], (letter, count) => new string(letter, count)));

    /// <summary>Of a header: words between blanks, with none at its ends.</summary>
    public static readonly Gen<string> HeaderText = Word.Array[1, 12].Select(words => Cut(string.Join(' ', words), HeaderRules.ValueCharsMax / 4).Trim(' ')).Where(text => text.Length > 0);

    public static readonly Gen<string> BodyText = Gen.OneOf(
        Word, Gen.OneOf("\r\n", "\n", "\r", "\n.\n", "\r\n.\r\n", " \r\n", "\t\n", "\n\n\n", "\u0000", "\u2028", "\f", "\nFrom x", "--=-", " "), Gen.Const(new string('中', 400))).Array[1, 60].Select(string.Concat);

    private static readonly Gen<string> Atom = Gen.OneOf(Gen.Char['a', 'z'], Gen.Char['0', '9'], Gen.OneOf('!', '#', '$', '%', '&', '\'', '*', '+', '-', '/', '=', '?', '^', '_', '`', '{', '|', '}', '~')).Array[1, 12].Select(chars => new string(chars));

    private static readonly Gen<string> LocalPart = Gen.OneOf(
        Atom.Array[1, 3].Select(atoms => string.Join('.', atoms)),
        // Any printable character may stand in a quoted one, two of them only behind a backslash.
        Gen.Char[' ', '~'].Array[1, 25].Select(chars => "\"" + string.Concat(chars).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\""));

    private static readonly Gen<string> Domain = Gen.OneOf("example.net", "mail.shop.example", "xn--bcher-kva.example", "bücher.example", "例子.中国", "a-b.c-d.test", "EXAMPLE.ORG");

    public static readonly Gen<EmailAddress> Address = Gen.Select(LocalPart, Domain, (local, domain) => EmailAddress.TryParse($"{local}@{domain}", out var address) ? address : throw new FormatException($"{local}@{domain}"));

    public static readonly Gen<Mailbox> Mailbox = Gen.Select(Gen.OneOf(Gen.Const((string?)null), HeaderText.Select(text => (string?)Cut(text, 200).Trim(' '))), Address, (name, address) => new Mailbox(name, address));

    private static readonly Gen<Attachment> File = Gen.Select(
        Gen.OneOf("invoice.pdf", "发票 2026年11月.pdf", "a \"b\";c.txt", "résumé.doc", "..\\x/y.eml", "长名字.csv"), Gen.OneOf("application/pdf", "text/plain; charset=utf-8", "image/png", "message/rfc822", "nonsense", ""), Gen.Byte.Array[0, 300], Gen.Bool,
        (name, type, content, isInline) => new Attachment(name, type, content, isInline ? "part@shop.example" : null));

    public static readonly Gen<Draft> Draft = Gen.Select(
        Gen.Select(Mailbox, Mailbox.Array[0, 4], Mailbox.Array[0, 20], Mailbox.Array[0, 2]), HeaderText, Gen.Select(BodyText, BodyText, Gen.Int[0, 2]), HeaderText.Array[0, 3], File.Array[0, 3],
        (mailboxes, subject, bodies, headers, files) => new Draft
        {
            MessageId = "0198c0de@mail.shop.example",
            Date = new DateTimeOffset(2026, 11, 20, 9, 30, 0, TimeSpan.Zero),
            From = mailboxes.Item1,
            To = mailboxes.Item2,
            Cc = mailboxes.Item3,
            ReplyTo = mailboxes.Item4,
            Subject = subject,
            Text = bodies.Item3 == 1 ? null : bodies.Item1,
            Html = bodies.Item3 == 0 ? null : bodies.Item2,
            Headers = headers.Index().ToDictionary(it => $"X-Header-{it.Index}", it => it.Item),
            Attachments = files,
        });

    /// <summary>Never between the halves of a character.</summary>
    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
