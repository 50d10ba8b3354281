using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MailApi.Mail.Dkim;

/// <summary>
/// Signs composed messages for one signing domain and selector: SHA-256 with RSA or Ed25519, relaxed/relaxed, no <c>l=</c>, headers oversigned.
/// Works on the octets themselves: no parser can change what it signs. Safe for concurrent use.
/// </summary>
public sealed class Signer(string domain, string selector, SigningKey key, TimeProvider time)
{
    /// <summary>
    /// From <c>t=</c> to <c>x=</c>: longer than the longest lifetime of an envelope plus the five days that a relay may keep it
    /// (RFC 5321 §4.5.4.1), and not so long that a captured message can be replayed for ever.
    /// </summary>
    public static readonly TimeSpan Validity = TimeSpan.FromDays(14);

    private const int ColumnMax = 78;

    /// <summary>Listed once more than they occur, so that adding one breaks the signature (RFC 6376 §8.15).</summary>
    private static readonly string[] Oversigned =
    [
        "From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        "List-Unsubscribe", "List-Unsubscribe-Post", "CFBL-Address", "CFBL-Feedback-ID",
    ];

    /// <summary>Listed as often as they occur: relays and lists may add their own.</summary>
    private static readonly string[] SignedWherePresent =
        ["In-Reply-To", "References", "List-Id", "Feedback-ID", "Auto-Submitted"];

    /// <summary>The <c>DKIM-Signature</c> field, with its closing CRLF, to put in front of <paramref name="message"/>.</summary>
    public byte[] Sign(ReadOnlyMemory<byte> message)
    {
        var raw = RawMessage.Parse(message);
        var names = NamesToSign(raw).ToArray();
        var field = Unsigned(names, Canonical.HashBody(raw.Body.Span, relaxed: true).Sha256);

        var signed = new ArrayBufferWriter<byte>();
        foreach (var covered in raw.Select(names)) Canonical.RelaxedField(covered, signed);
        Canonical.RelaxedField(new RawField("dkim-signature", Encoding.ASCII.GetBytes(field)), signed);
        // The signature's own field is hashed without its CRLF (RFC 6376 §3.7).
        var digest = SHA256.HashData(signed.WrittenSpan[..^2]);

        return Encoding.ASCII.GetBytes(field + Folded(Convert.ToBase64String(key.SignDigest(digest))) + "\r\n");
    }

    private static IEnumerable<string> NamesToSign(RawMessage message)
    {
        var counts = message.Fields.CountBy(field => field.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(StringComparer.OrdinalIgnoreCase);
        return Oversigned.SelectMany(name => Enumerable.Repeat(name, counts.GetValueOrDefault(name) + 1))
            .Concat(SignedWherePresent.SelectMany(name => Enumerable.Repeat(name, counts.GetValueOrDefault(name))));
    }

    /// <summary>The field up to and including <c>b=</c>.</summary>
    private string Unsigned(string[] names, byte[] bodyHash)
    {
        var now = time.GetUtcNow();
        var list = new StringBuilder("h=");
        var column = 1 + list.Length;
        for (var i = 0; i < names.Length; i++)
        {
            var piece = i + 1 < names.Length ? names[i] + ":" : names[i] + ";";
            if (column + piece.Length > ColumnMax)
            {
                list.Append("\r\n\t");
                column = 1;
            }
            list.Append(piece);
            column += piece.Length;
        }
        return $"DKIM-Signature: v=1; a={key.AlgorithmName}; c=relaxed/relaxed;\r\n\td={domain};\r\n\ts={selector};\r\n"
            + $"\tt={now.ToUnixTimeSeconds()}; x={(now + Validity).ToUnixTimeSeconds()};\r\n"
            + $"\t{list}\r\n\tbh={Convert.ToBase64String(bodyHash)};\r\n\tb=";
    }

    private static string Folded(string base64) =>
        string.Join("\r\n\t", base64.Chunk(ColumnMax - 4).Select(line => new string(line)));
}
