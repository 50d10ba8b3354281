using System.Collections.Frozen;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MimeKit.Utils;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>The header against RFC 5322 §3.6: which fields there are, and whether those that identify the message are well formed.</summary>
internal static class HeaderLint
{
    /// <summary>Where Exchange Online stops reading.</summary>
    public const int HeaderBytesMax = 256 * 1024;

    private const int MessageIdOctetsMax = 250;

    private static readonly FrozenSet<string> AtMostOnce = new[]
    {
        "date", "from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject", "mime-version",
        "content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post",
    }.ToFrozenSet();

    private static readonly string[] Required = ["From", "Date", "Message-ID"];

    private static readonly FrozenSet<string> NeverEmpty = new[] { "from", "to", "cc", "reply-to", "message-id", "date" }.ToFrozenSet();

    private static readonly TimeSpan PastMax = TimeSpan.FromDays(1);
    private static readonly TimeSpan FutureMax = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan AbsurdPast = TimeSpan.FromDays(30);
    private static readonly TimeSpan AbsurdFuture = TimeSpan.FromDays(1);

    public static Check RequiredHeaders(RenderedMessage message)
    {
        string[] missing = [.. Required.Where(name => !message.Has(name.ToLowerInvariant()))];
        return missing.Length == 0
            ? Pass("requiredHeaders", Headers, "From, Date and Message-ID are there.")
            : Fail("requiredHeaders", Headers, $"The message has no {string.Join(" and no ", missing)}; Gmail refuses such mail as not conforming to RFC 5322.",
                $"Add {string.Join(", ", missing)}.");
    }

    public static Check DuplicateHeaders(RenderedMessage message)
    {
        var twice = message.Fields.GroupBy(field => field.Name).Where(group => group.Count() > 1 && AtMostOnce.Contains(group.Key)).Select(group => group.Key).ToList();
        return twice.Count == 0
            ? Pass("duplicateHeaders", Headers, "No header that may stand only once stands twice.")
            : Fail("duplicateHeaders", Headers, $"More than one of: {string.Join(", ", twice)}. Receivers disagree on which one counts, and Gmail refuses the message.",
                "Keep one of each.");
    }

    public static Check HeaderSyntax(RenderedMessage message)
    {
        var bad = message.Fields.Select(SyntaxError).FirstOrDefault(error => error is not null);
        return bad is null
            ? Pass("headerSyntax", Headers, "Every header line has a name, a colon and a value.")
            : Fail("headerSyntax", Headers, bad, "Take the line out, or write it as 'Name: value' and fold it before a word (RFC 5322 §2.2).");
    }

    public static Check HeaderSize(RenderedMessage message) => message.HeaderBytes <= HeaderBytesMax
        ? Pass("headerSize", Headers, $"The header takes {Sizes.Text(message.HeaderBytes)}.")
        : Fail("headerSize", Headers, $"The header takes more than {Sizes.Text(HeaderBytesMax)}, more than Microsoft accepts.", "Set fewer or shorter headers.");

    public static Check Date(RenderedMessage message, DateTimeOffset now)
    {
        const string cure = "Leave Date to the service, or set the server's clock.";
        if (message.Values("date").FirstOrDefault() is not { } value) return Fail("date", Headers, "There is no Date.", cure);
        if (!DateUtils.TryParse(value, out var date)) return Fail("date", Headers, $"'{Shown.Text(value)}' is no date as RFC 5322 §3.3 writes it.", cure);

        var age = now - date;
        var distance = $"The Date is {(age < TimeSpan.Zero ? $"{Shown.Span(-age)} in the future" : $"{Shown.Span(age)} in the past")}";
        if (age > AbsurdPast || -age > AbsurdFuture) return Fail("date", Headers, $"{distance}; spam filters count that heavily.", cure);
        if (age > PastMax || -age > FutureMax) return Warn("date", Headers, $"{distance}; mail with a wrong clock looks forged.", cure);
        return Pass("date", Headers, "The Date is the time of sending.");
    }

    public static Check MessageId(RenderedMessage message, string organizationalDomain)
    {
        const string cure = "Leave the Message-ID to the service; it uses the sending domain.";
        if (message.Values("message-id").FirstOrDefault() is not { } value) return Fail("messageId", Headers, "There is no Message-ID.", cure);
        if (DomainOfMessageId(value) is not { } domain)
            return Fail("messageId", Headers, $"'{Shown.Text(value)}' is no Message-ID: it must be <something@domain> on one line (RFC 5322 §3.6.4).", cure);
        return Domains.IsWithin(domain, organizationalDomain)
            ? Pass("messageId", Headers, $"The Message-ID is of {domain}, which belongs to {organizationalDomain}.")
            : Warn("messageId", Headers, $"The Message-ID is of {domain}, the message of {organizationalDomain}; filters take that for a sign of forgery.", cure);
    }

    private static string? DomainOfMessageId(string value)
    {
        if (value.Length is < 5 or > MessageIdOctetsMax || value[0] != '<' || value[^1] != '>') return null;
        var inner = value[1..^1];
        var at = inner.LastIndexOf('@');
        var wellFormed = at > 0 && inner.IndexOf('@', StringComparison.Ordinal) == at && inner.All(c => c is > ' ' and < '\u007F' and not ('<' or '>'));
        return wellFormed && DomainName.TryParse(inner[(at + 1)..], out var domain) ? domain : null;
    }

    private static string? SyntaxError(RawField field)
    {
        var octets = field.Octets.Span;
        var colon = octets.IndexOf((byte)':');
        var name = Encoding.Latin1.GetString(octets[..Math.Clamp(colon, 0, 80)]);
        if (colon < 1) return $"The header has a line without a name: '{Shown.Text(Encoding.Latin1.GetString(octets[..Math.Min(octets.Length, 60)]))}'.";
        if (octets[..colon].ContainsAnyExceptInRange((byte)33, (byte)126)) return $"The header name '{Shown.Text(name)}' holds a blank or a character that is not ASCII.";

        // A folded line of blanks alone was once allowed (RFC 5322 §4.2) and ends the header for some readers.
        foreach (var range in octets[(colon + 1)..].Split("\r\n"u8))
        {
            var line = octets[(colon + 1)..][range];
            if (!line.IsEmpty && range.Start.Value > 0 && line.IndexOfAnyExcept(" \t"u8) < 0) return $"The header {name} is folded into a line of blanks alone.";
        }
        var isEmpty = octets[(colon + 1)..].IndexOfAnyExcept(" \t\r\n"u8) < 0;
        return isEmpty && NeverEmpty.Contains(field.Name) ? $"The header {name} is empty." : null;
    }
}
