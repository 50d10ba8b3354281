using System.Security.Cryptography;
using System.Text;
using MimeKit;

namespace MailApi.Testing;

/// <summary>A message that the sink has kept for one recipient.</summary>
public sealed record SinkMessage
{
    public required string Recipient { get; init; }

    /// <summary>The return path; empty for <c>&lt;&gt;</c>.</summary>
    public required string MailFrom { get; init; }

    /// <summary>What followed the address in MAIL: <c>BODY=8BITMIME SMTPUTF8</c>.</summary>
    public required string MailParameters { get; init; }

    /// <summary>The message as it came, without the dots that SMTP adds; empty when the sink keeps no content.</summary>
    public required byte[] Bytes { get; init; }

    public required int SizeBytes { get; init; }

    /// <summary>The Message-ID header, or an empty text.</summary>
    public required string MessageId { get; init; }

    /// <summary>Lower-case hexadecimal, of everything behind the first empty line.</summary>
    public required string BodySha256 { get; init; }

    /// <summary>The message holds a CR or an LF that is not part of a CRLF, which RFC 5321 §2.3.8 forbids.</summary>
    public required bool HasStrayLineEnd { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required SinkSession Session { get; init; }

    /// <summary>Reads it with MimeKit.</summary>
    public MimeMessage Mime => MimeMessage.Load(new MemoryStream(Bytes));

    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The unfolded value of the first header of this name as it stands on the wire, or null.</summary>
    public string? Header(string name) => HeaderBlock.Value(Bytes, name);

    internal static SinkMessage From(SinkTransaction mail, string recipient, byte[] bytes, bool keepContent, SinkSession session, DateTimeOffset time) => new()
    {
        Recipient = recipient,
        MailFrom = mail.From,
        MailParameters = mail.Parameters,
        Bytes = keepContent ? bytes : [],
        SizeBytes = bytes.Length,
        MessageId = HeaderBlock.Value(bytes, "Message-ID") ?? "",
        BodySha256 = Convert.ToHexStringLower(SHA256.HashData(HeaderBlock.Body(bytes))),
        HasStrayLineEnd = HeaderBlock.HasStrayLineEnd(bytes),
        Session = session,
        Time = time,
    };
}

/// <summary>A mail transaction from MAIL to the dot: the return path, its parameters, and the recipients that were accepted.</summary>
internal sealed record SinkTransaction(string From, string Parameters)
{
    public List<string> Recipients { get; } = [];

    /// <summary>The first fault that its recipients ask for.</summary>
    public SinkScript? Script { get; set; }
}
