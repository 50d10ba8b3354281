using System.Diagnostics.CodeAnalysis;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Preflight;
using MimeKit;
using MimeKit.Utils;

namespace MailApi.Mail.Smtp.Submission;

/// <summary>
/// A message that its caller composed (RFC 6409), read for what must be known of it and made fit to leave: what is 7-bit stays octet for octet, the header
/// fields of <see cref="SubmissionRules"/> excepted. <c>From</c> is written anew, so that what was checked is what every receiver reads.
/// </summary>
public sealed class SubmittedMessage
{
    private static readonly ParserOptions Strict = new() { AddressParserComplianceMode = RfcComplianceMode.Strict, AllowAddressesWithoutDomain = false, AllowUnquotedCommasInAddresses = false };
    private static readonly string[] AddressFields = ["From", "Sender", "Reply-To", "To", "Cc"];

    private readonly List<SubmittedField> kept = [];
    private readonly Dictionary<string, IReadOnlyList<Mailbox>> rewritten = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(string Name, string Value)> instructions = [];
    private readonly ReadOnlyMemory<byte> body;

    private SubmittedMessage(ReadOnlyMemory<byte> body) => this.body = body;

    /// <summary>The one author.</summary>
    public Mailbox From => rewritten["From"][0];

    /// <summary>The mailbox that sends for the author, where that is another.</summary>
    public Mailbox? Sender => rewritten.TryGetValue("Sender", out var sender) ? sender[0] : null;

    /// <summary>As a reader sees it; empty where there is none.</summary>
    public string Subject { get; private set; } = "";

    /// <summary>Fields for the service, in order: <c>X-MailApi-…</c> and <c>Idempotency-Key</c>.</summary>
    public IReadOnlyList<(string Name, string Value)> Instructions => instructions;

    /// <summary>A header address has a non-ASCII local part (RFC 6531 §3.4).</summary>
    public bool NeedsSmtpUtf8 => rewritten.Values.Any(mailboxes => mailboxes.Any(mailbox => mailbox.Address.NeedsSmtpUtf8));

    /// <param name="octets">The message; all of its lines end with CRLF. It must stay as it is while this is in use.</param>
    /// <param name="message">Ready for <see cref="ToBytes"/>.</param>
    /// <param name="fault">What is wrong with it, and what to do.</param>
    public static bool TryRead(ReadOnlyMemory<byte> octets, [NotNullWhen(true)] out SubmittedMessage? message, [NotNullWhen(false)] out string? fault)
    {
        message = null;
        if (!SubmittedHeader.TrySplit(octets, out var fields, out var body, out fault)) return false;
        var read = new SubmittedMessage(body);
        fault = read.Read(fields);
        // Only what has to be encoded is taken apart, and then no more parts and fields than mail has.
        if (fault is null && !SevenBit.Is(octets.Span)) fault = MimeBounds.Error(octets.ToArray());
        if (fault is null) message = read;
        return fault is null;
    }

    /// <summary>The message as it is to be signed and sent: CRLF, 7-bit but for a header that needs SMTPUTF8. Null when a part cannot be made 7-bit.</summary>
    /// <param name="messageIdLocalPart">For a message without Message-ID.</param>
    /// <param name="now">For a message without Date.</param>
    /// <param name="feedbackLoop">Null where complaints come back by no way that the message could name.</param>
    public byte[]? ToBytes(string messageIdLocalPart, DateTimeOffset now, FeedbackLoop? feedbackLoop)
    {
        var fields = new FieldWriter(NeedsSmtpUtf8);
        foreach (var (name, mailboxes) in rewritten) fields.Mailboxes(name, mailboxes);
        // A message that names no recipient looks broken to filters (RFC 5322 §3.6.3, appendix A.1.3).
        if (!Has("To") && !Has("Cc")) fields.Text("To", "undisclosed-recipients:;");
        if (!Has("Date")) fields.Text("Date", DateUtils.FormatDate(now));
        if (!Has("Message-ID")) fields.Text("Message-ID", $"<{messageIdLocalPart}@{From.Address.Domain}>");
        feedbackLoop?.Write(fields);
        if (!Has("MIME-Version")) fields.Text("MIME-Version", "1.0");

        var content = kept.Where(field => field.Name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)).ToList();
        var isSevenBit = SevenBit.Is(body.Span) && content.TrueForAll(field => field.IsAscii);
        var entity = isSevenBit ? null : SevenBit.Entity(content, body);
        if (!isSevenBit && entity is null) return null;

        using var octets = new MemoryStream(body.Length + (4 << 10));
        octets.Write(fields.ToBytes());
        foreach (var field in kept.Where(field => isSevenBit || !content.Contains(field))) Write(octets, field);
        if (isSevenBit) octets.Write("\r\n"u8);
        octets.Write(isSevenBit ? body.Span : entity);
        // A last chunk may end within a line (RFC 3030); a message may not.
        if (!octets.GetBuffer().AsSpan(0, (int)octets.Length).EndsWith("\r\n"u8)) octets.Write("\r\n"u8);
        return octets.ToArray();
    }

    private bool Has(string name) => rewritten.ContainsKey(name) || kept.Exists(field => field.Is(name));

    private static void Write(MemoryStream octets, SubmittedField field)
    {
        if (field.IsAscii)
        {
            octets.Write(field.Octets.Span);
            return;
        }
        var encoded = new FieldWriter(utf8: false);
        encoded.Text(field.Name, field.Text!);
        octets.Write(encoded.ToBytes());
    }

    private string? Read(List<SubmittedField> fields)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in fields)
        {
            if (SubmissionRules.IsSingle(field.Name) && !seen.Add(field.Name)) return $"{field.Name} stands there twice. Leave one of them out.";
            if (Place(field) is { } fault) return fault;
        }
        if (!rewritten.TryGetValue("From", out var from)) return "From is missing.";
        // It says nothing that From does not (RFC 5322 §3.6.2).
        if (Sender?.Address == from[0].Address) rewritten.Remove("Sender");
        return kept.Count(field => field.Is("Received")) > SubmissionRules.ReceivedMax ? $"The message has passed {SubmissionRules.ReceivedMax} servers: it goes in a circle." : null;
    }

    private string? Place(SubmittedField field)
    {
        switch (SubmissionRules.Of(field.Name))
        {
            case FieldFate.Refused:
                return $"{field.Name} tells of another sender. Leave it out.";
            case FieldFate.Removed:
                return null;
            case FieldFate.Rewritten:
                return Rewrite(field, isOne: true);
            case FieldFate.Instruction when field.Text is { } value:
                instructions.Add((field.Name, value));
                return null;
            case FieldFate.Instruction:
                return $"{field.Name} is not UTF-8.";
            default:
                return Keep(field);
        }
    }

    private string? Keep(SubmittedField field)
    {
        if (!field.IsAscii && Array.Exists(AddressFields, field.Is)) return Rewrite(field, isOne: false);
        if (field.Is("Subject") || !field.IsAscii)
        {
            var text = field.Text;
            if (text is null) return $"{field.Name} is not UTF-8. Encode it by RFC 2047.";
            if (HeaderRules.ValueError(text) is { } error) return $"{field.Name}: {error}";
            if (field.Is("Subject")) Subject = text;
        }
        kept.Add(field);
        return null;
    }

    /// <param name="field">Of mailboxes, or groups of them.</param>
    /// <param name="isOne">Exactly one mailbox, in no group.</param>
    private string? Rewrite(SubmittedField field, bool isOne)
    {
        var mailboxes = new List<Mailbox>();
        if (field.Raw is not { } raw || !InternetAddressList.TryParse(Strict, Encoding.UTF8.GetBytes(raw), out var list)) return $"{field.Name} holds no addresses such as Ann <ann@example.net>.";
        if (!list.Mailboxes.Any()) return $"{field.Name} names nobody. Leave it out.";
        if (isOne && list is not [MailboxAddress]) return $"{field.Name} must name one mailbox.";
        foreach (var mailbox in list.Mailboxes)
        {
            if (mailbox.Route.Count > 0 || !EmailAddress.TryParse(mailbox.Address, out var address) || (mailbox.Name is { } name && HeaderRules.ValueError(name) is not null))
                return $"{field.Name} holds what is no address such as Ann <ann@example.net>.";
            mailboxes.Add(new Mailbox(string.IsNullOrWhiteSpace(mailbox.Name) ? null : mailbox.Name, address));
        }
        rewritten[Array.Find(AddressFields, field.Is)!] = mailboxes;
        return null;
    }
}
