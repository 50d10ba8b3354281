using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MailApi.Bench;

/// <summary>
/// The JSON of a <c>POST /send</c> with three gaps, in this order: <c>{from}</c>, <c>{to}</c> (the inside of the list of recipients) and <c>{number}</c>.
/// The generators fill them in, so that no two messages are alike.
/// </summary>
internal sealed class Template
{
    /// <summary>What a composed message of this kind has beside its text: header, parts, tags of HTML.</summary>
    private const int OverheadBytes = 900;

    /// <summary>From here on the weight is an attachment's: nobody writes so much text.</summary>
    private const int AttachmentFromBytes = 64 * 1024;

    private const string Line = "Your parcel left our warehouse this morning and is on its way to you.\n";

    /// <param name="sizeBytes">What a composed message has, about.</param>
    public Template(int sizeBytes)
    {
        var textBytes = Math.Max(Line.Length, (sizeBytes > AttachmentFromBytes ? 1024 : sizeBytes - OverheadBytes) / 2);
        var fields = new Dictionary<string, object>
        {
            ["from"] = "Example Shop <orders@{from}>",
            ["to"] = new[] { "{to}" },
            ["subject"] = "Order {number} is on its way",
            ["text"] = string.Concat(Enumerable.Repeat(Line, textBytes / Line.Length)),
            ["html"] = string.Concat(Enumerable.Repeat($"<p>{Line}</p>", Math.Max(1, textBytes / (Line.Length + 7)))),
            ["category"] = "notification",
        };
        // Base64 (RFC 2045 §6.8) makes 78 octets of 57.
        if (sizeBytes > AttachmentFromBytes)
            fields["attachments"] = new[] { new { filename = "invoice.pdf", contentType = "application/pdf", content = new byte[(int)(sizeBytes * 57L / 78)] } };
        Json = JsonSerializer.Serialize(fields, Plain).Replace("\"{to}\"", "{to}", StringComparison.Ordinal);
    }

    public string Json { get; }

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The body of one message.</summary>
    public byte[] Fill(Sender sender, IReadOnlyList<string> recipients, int number) => Encoding.UTF8.GetBytes(Json
        .Replace("{from}", sender.Domain, StringComparison.Ordinal)
        .Replace("{to}", string.Join(',', recipients.Select(recipient => $"\"{recipient}\"")), StringComparison.Ordinal)
        .Replace("{number}", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
}

/// <summary>A tenant's key, and a domain of the tenant that it sends from.</summary>
internal sealed record Sender(string Key, string Domain);
