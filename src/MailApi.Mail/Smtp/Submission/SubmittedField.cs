using System.Text;
using System.Text.Unicode;
using MimeKit.Utils;

namespace MailApi.Mail.Smtp.Submission;

/// <summary>A header field as it came.</summary>
/// <param name="Name">Without the colon.</param>
/// <param name="Octets">All of it, with its name and its last CRLF.</param>
internal sealed record SubmittedField(string Name, ReadOnlyMemory<byte> Octets)
{
    public bool IsAscii => Ascii.IsValid(Octets.Span);

    /// <summary>Behind the colon, unfolded (RFC 5322 §2.2.3), its encoded words (RFC 2047) as they are. Null when it is no UTF-8.</summary>
    public string? Raw
    {
        get
        {
            var value = Octets.Span[(Octets.Span.IndexOf((byte)':') + 1)..];
            return Utf8.IsValid(value) ? Encoding.UTF8.GetString(value).Replace("\r\n", "", StringComparison.Ordinal).Replace('\t', ' ').Trim(' ') : null;
        }
    }

    /// <summary>As a reader sees it.</summary>
    public string? Text => Raw is { } raw ? Rfc2047.DecodeText(Encoding.UTF8.GetBytes(raw)) : null;

    public bool Is(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}
