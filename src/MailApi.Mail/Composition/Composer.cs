using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace MailApi.Mail.Composition;

/// <summary>Draft → octets, once: those octets are signed and sent.</summary>
public static class Composer
{
    private static readonly FormatOptions Wire = WireOptions();

    /// <summary>A header address has a non-ASCII local part: the message needs SMTPUTF8 and 8BITMIME all the way (RFC 6531 §3.4).</summary>
    public static bool NeedsSmtpUtf8(Draft draft) =>
        draft.From.Address.NeedsSmtpUtf8 || draft.To.Concat(draft.Cc).Concat(draft.ReplyTo).Any(mailbox => mailbox.Address.NeedsSmtpUtf8);

    /// <summary>
    /// The message with CRLF line ends, 7-bit unless an address in its headers needs SMTPUTF8 (RFC 6532): then its header holds UTF-8,
    /// its body is 7-bit still. Lines that begin with a dot are left to the transmitter.
    /// </summary>
    /// <exception cref="ArgumentException">A text holds what <see cref="HeaderRules"/> refuses, or there is neither text nor HTML.</exception>
    public static byte[] Compose(Draft draft)
    {
        using var body = Body.Build(draft);
        var octets = new MemoryStream();
        octets.Write(Fields(draft));
        body.WriteTo(Wire, octets);
        return octets.ToArray();
    }

    private static byte[] Fields(Draft draft)
    {
        var fields = new FieldWriter(NeedsSmtpUtf8(draft));
        fields.Mailboxes("From", [draft.From]);
        if (draft.To.Count > 0) fields.Mailboxes("To", draft.To);
        if (draft.Cc.Count > 0) fields.Mailboxes("Cc", draft.Cc);
        // A message that names no recipient looks broken to filters (RFC 5322 §3.6.3, appendix A.1.3).
        if (draft.To.Count == 0 && draft.Cc.Count == 0) fields.Text("To", "undisclosed-recipients:;");
        if (draft.ReplyTo.Count > 0) fields.Mailboxes("Reply-To", draft.ReplyTo);
        fields.Text("Subject", draft.Subject);
        fields.Text("Date", DateUtils.FormatDate(draft.Date));
        fields.Text("Message-ID", $"<{draft.MessageId}>");
        draft.FeedbackLoop?.Write(fields);
        foreach (var (name, value) in draft.Headers)
        {
            if (HeaderRules.ExtraNameError(name) is { } error) throw new ArgumentException(error);
            fields.Text(name, value);
        }
        fields.Text("MIME-Version", "1.0");
        return fields.ToBytes();
    }

    private static FormatOptions WireOptions()
    {
        var options = FormatOptions.Default.Clone();
        options.NewLineFormat = NewLineFormat.Dos;
        options.ParameterEncodingMethod = ParameterEncodingMethod.Rfc2231;
        return options;
    }
}
