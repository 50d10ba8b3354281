using System.Text;
using MailApi.Mail.Composition;

namespace MailApi.Mail.Tests.Composition;

/// <summary>Drafts to compose: a plain one to change, and as many random ones as wanted.</summary>
internal static class Drafts
{
    private static readonly string[] Words =
        ["order", "on its way", "ready?", "=", "=?utf-8?Q?x?=", "Grüße", "您的订单", "已发货", "🚀", "a,b;c:d", "\"quoted\"", "back\\slash", ".", "..", "  ", "(c)", "<b>", "日本語テキスト", "-- "];

    private static readonly string[] BodyPieces =
    [
        .. Words, "\r\n", "\n", "\r", "\n.\n", "\r.\r", "\r\n.\r\n", "\n\n", "From x", " \r\n", "\t\n", "\u0000", "\u2028", "\f", "--=-", new('x', 300), new('中', 120), "<p>x</p>",
    ];

    private static readonly string[] Addresses =
        ["ann@example.net", "Bo <bo@example.org>", "\"Li, Ann\" <ann.li@example.net>", "李安 <a@例子.中国>", "\"a b\"@example.net", "Ünal Öz <u@bücher.example>"];

    public static Draft Plain { get; } = new()
    {
        MessageId = "0198c0de@mail.shop.example",
        Date = new DateTimeOffset(2026, 11, 20, 9, 30, 0, TimeSpan.Zero),
        From = Read("Example Shop <orders@mail.shop.example>"),
        To = [Read("Ann <ann@example.net>")],
        Subject = "Order 1001 is on its way",
        Text = "Hello Ann.\n",
    };

    public static Mailbox Read(string text) => Mailbox.TryParse(text, out var mailbox) ? mailbox : throw new FormatException(text);

    /// <summary>The same drafts in every run; all of them are 7-bit.</summary>
    public static IEnumerable<Draft> Random(int count)
    {
        var random = new Random(20261120);
        for (var i = 0; i < count; i++)
        {
            var hasText = random.Next(3) > 0;
            yield return Plain with
            {
                MessageId = $"{i}@mail.shop.example",
                From = Read(Pick(random, Addresses)),
                To = Some(random, 4, () => Read(Pick(random, Addresses))),
                Cc = Some(random, 20, () => Read(Pick(random, Addresses))),
                ReplyTo = Some(random, 2, () => Read(Pick(random, Addresses))),
                Subject = string.Join(' ', Some(random, 30, () => Pick(random, Words))).Trim(' '),
                Text = hasText ? string.Concat(Some(random, 200, () => Pick(random, BodyPieces))) : null,
                Html = hasText && random.Next(2) == 0 ? null : string.Concat(Some(random, 200, () => Pick(random, BodyPieces))),
                Headers = Some(random, 4, () => Pick(random, Words).Trim(' ')).Select((value, n) => ($"X-Header-{n}", value)).ToDictionary(),
                Attachments = Some(random, 4, () => File(random)),
            };
        }
    }

    private static Attachment File(Random random)
    {
        var content = new byte[random.Next(300)];
        random.NextBytes(content);
        var name = Pick(random, ["invoice.pdf", "发票 2026年11月.pdf", "a \"b\".txt", "résumé.doc", "..\\x/y.eml"]);
        var type = Pick(random, ["application/pdf", "text/plain; charset=utf-8", "image/png", "message/rfc822", "multipart/mixed; boundary=x", "nonsense", ""]);
        return new Attachment(name, type, content, random.Next(2) == 0 ? null : $"part{random.Next()}@shop");
    }

    private static T[] Some<T>(Random random, int most, Func<T> make) => [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => make())];

    private static string Pick(Random random, string[] from) => from[random.Next(from.Length)];
}
