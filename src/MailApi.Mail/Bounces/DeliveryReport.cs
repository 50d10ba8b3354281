using System.Globalization;
using System.Text.RegularExpressions;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>Delivery status notifications (RFC 3464; RFC 6533 beyond ASCII), also where their form is broken.</summary>
internal static partial class DeliveryReport
{
    private const int RecipientsMax = 100;
    private const int HostCharsMax = 255;

    /// <summary>That are read for one recipient: the text for people says in one or two what became of it.</summary>
    private const int ParagraphsMax = 5;

    /// <summary>Where a message says that what it answered was not RCPT TO: then a refusal is seldom about the address.</summary>
    private static readonly string[] OtherStages = ["end of data", "data command", "after data", "mail from", "after end of", "after pipelined end", "in reply to end", "message content", "ehlo", "helo command", "conn/"];

    public static Returned.Status? Read(IReadOnlyList<Part> parts, Marks marks)
    {
        var notice = new Lazy<IReadOnlyList<string>>(() => NoticeText.Of(parts).Paragraphs);
        foreach (var part in parts)
        {
            if (part.MediaType is not ("message/delivery-status" or "message/global-delivery-status" or "message/x-delivery-status")) continue;
            if (Read(part, part.Text(), marks) is { } status) return status with { Recipients = [.. status.Recipients.Select(it => Told(it, notice))] };
        }
        // Labelled as text, which also is what a report becomes whose boundaries are lost.
        foreach (var part in parts)
        {
            if (part.MediaType is not ("text/plain" or "message/rfc822-headers" or "application/octet-stream") || part.IsEnclosedMessage) continue;
            var text = part.Text();
            if (FieldsBegin(text) is >= 0 and var begin && Read(part, text[begin..], marks) is { } status) return status;
        }
        return null;
    }

    private static RecipientStatus Told(RecipientStatus it, Lazy<IReadOnlyList<string>> notice) => ReasonTold(StageTold(it, notice), notice);

    /// <summary>Postfix says in the text for people alone what a refusal answered: "&lt;ann@example.net&gt;: host … said: 550 … (in reply to end of DATA command)".</summary>
    private static RecipientStatus StageTold(RecipientStatus it, Lazy<IReadOnlyList<string>> notice)
    {
        if (it is not { Verdict.SuppressesAddress: true, Reply.Enhanced: null, FinalRecipient: { } address }) return it;
        var begin = $"<{address}>";
        var said = notice.Value.Where(paragraph => paragraph.StartsWith(begin, StringComparison.OrdinalIgnoreCase)).Take(ParagraphsMax);
        return said.All(paragraph => IsAtRecipient(paragraph.ReplaceLineEndings(" "))) ? it : it with { Verdict = BounceTable.Classify(it.Reply, atRecipient: false) };
    }

    /// <summary>Exim gives a failure of its own a status of 5.0.0 and no diagnostic: why stands in the text for people alone.</summary>
    private static RecipientStatus ReasonTold(RecipientStatus it, Lazy<IReadOnlyList<string>> notice)
    {
        if (it is not { Action: DeliveryAction.Failed, Verdict.Class: BounceClass.Other, Reply.Text: "" or "5.0.0", FinalRecipient: { } address }) return it;
        var paragraphs = notice.Value.Where(paragraph => paragraph.Contains(address, StringComparison.OrdinalIgnoreCase)).Take(ParagraphsMax).ToList();
        if (paragraphs.Count == 0) return it;
        var (reply, said) = BounceNotice.Reply(it.Action, paragraphs);
        var verdict = BounceTable.Classify(reply, IsAtRecipient(said));
        return verdict.Class == BounceClass.Other ? it : it with { Reply = reply, Verdict = verdict };
    }

    /// <summary>Whether a reply that a report quotes answered RCPT TO, as far as it says.</summary>
    public static bool IsAtRecipient(string text) => !Array.Exists(OtherStages, stage => text.Contains(stage, StringComparison.OrdinalIgnoreCase));

    /// <summary>Where a report within a text begins, or -1. Its first field is one of few (§2.2).</summary>
    private static int FieldsBegin(string text)
    {
        var begin = First(text, "Reporting-MTA:", "Original-Envelope-Id:", "Final-Recipient:", "Original-Recipient:");
        return begin >= 0 && text.IndexOf("Final-Recipient:", begin, StringComparison.OrdinalIgnoreCase) is >= 0 and var recipient
            && (text.IndexOf("Action:", recipient, StringComparison.OrdinalIgnoreCase) >= 0 || text.IndexOf("Status:", recipient, StringComparison.OrdinalIgnoreCase) >= 0) ? begin : -1;
    }

    private static int First(string text, params ReadOnlySpan<string> names)
    {
        var first = -1;
        foreach (var name in names)
            if (text.IndexOf(name, StringComparison.OrdinalIgnoreCase) is >= 0 and var at && (at == 0 || text[at - 1] == '\n') && (first < 0 || at < first)) first = at;
        return first;
    }

    private static Returned.Status? Read(Part part, string text, Marks marks)
    {
        var ofMessage = new List<Field>();
        var recipients = new List<RecipientStatus>();
        var blocks = Blocks(text, ofMessage);
        var message = new FieldBlock(ofMessage);
        var reporter = Host(message["Reporting-MTA"]);
        foreach (var block in blocks)
            if (recipients.Count < RecipientsMax && Recipient(block, reporter) is { } recipient) recipients.Add(recipient);
        if (recipients.Count == 0) return null;

        marks.SetReport(part);
        marks.AddReturnPath(AfterType(message["X-Postfix-Sender"]));
        marks.AddReturnPath(AfterType(message["X-Original-Sender"]));
        marks.SetMessageId(message["X-Original-Message-ID"] ?? message["Original-Message-ID"]);
        marks.SetQuoted(FieldBlock.ReadAll(text));
        return new Returned.Status(recipients) { About = marks.About() };
    }

    /// <summary>
    /// The fields of each recipient. A blank line parts them (§2.1), where nobody has lost it or put in others: so a recipient begins with a field that
    /// names one, once the last has its own.
    /// </summary>
    private static List<FieldBlock> Blocks(string text, List<Field> ofMessage)
    {
        var blocks = new List<FieldBlock>();
        List<Field>? current = null;
        ReadOnlySpan<char> rest = text;
        while (rest.Length > 0 && blocks.Count <= RecipientsMax)
        {
            foreach (var field in FieldBlock.Read(ref rest).Fields)
            {
                if (NamesRecipient(field) && (current is null || HasItsOwn(current, field.Name)))
                {
                    current = [];
                    blocks.Add(new FieldBlock(current));
                }
                // What belongs to the message may come last as well.
                (current is null || IsOfMessage(field) ? ofMessage : current).Add(field);
            }
        }
        return blocks;
    }

    private static bool NamesRecipient(Field field) => Is(field, "Final-Recipient") || Is(field, "Original-Recipient") || Is(field, "X-Actual-Recipient");

    private static bool HasItsOwn(List<Field> fields, string name) => fields.Exists(field => Is(field, name)) || fields.Exists(field => Is(field, "Status") || Is(field, "Action"));

    private static bool IsOfMessage(Field field) => Is(field, "Reporting-MTA") || Is(field, "Arrival-Date") || Is(field, "Received-From-MTA") || Is(field, "X-Postfix-Sender") || Is(field, "X-Original-Message-ID");

    private static bool Is(Field field, string name) => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static RecipientStatus? Recipient(FieldBlock fields, string? reporter)
    {
        var status = fields["Status"] is { } text && AnyStatus().Match(text) is { Success: true } match ? match.Value : null;
        if (Action(fields["Action"], status) is not { } action) return null;
        var diagnostic = Charsets.Words(AfterType(fields["Diagnostic-Code"]) ?? "");
        var reply = Reported(diagnostic, status, action, fields["Status"]);
        return new RecipientStatus
        {
            Action = action,
            FinalRecipient = Address(fields["Final-Recipient"]) ?? Address(fields["X-Actual-Recipient"]),
            OriginalRecipient = Address(fields["Original-Recipient"]),
            Reply = reply,
            RemoteHost = Host(fields["Remote-MTA"]) ?? reporter,
            Verdict = BounceTable.Classify(reply, IsAtRecipient(diagnostic)),
        };
    }

    /// <summary>Failed and delayed are said in other words as well; where nothing is said, the status says it.</summary>
    private static DeliveryAction? Action(string? text, string? status)
    {
        var word = text?.Trim().Split(' ', '\t', '(', ';')[0].ToLowerInvariant();
        return word switch
        {
            "failed" or "fail" or "failure" or "undeliverable" or "bounced" or "rejected" or "expired" => DeliveryAction.Failed,
            "delayed" or "deferred" or "delay" or "warning" or "transient-failure" => DeliveryAction.Delayed,
            "delivered" or "success" => DeliveryAction.Delivered,
            "relayed" => DeliveryAction.Relayed,
            "expanded" => DeliveryAction.Expanded,
            _ => status?[0] switch { '5' => DeliveryAction.Failed, '4' => DeliveryAction.Delayed, '2' => DeliveryAction.Delivered, _ => null },
        };
    }

    private static Reply Reported(string diagnostic, string? status, DeliveryAction action, string? statusText)
    {
        // x.0.0 says no more than the code before it does.
        var told = status is not null && !status.EndsWith(".0.0", StringComparison.Ordinal) ? status : null;
        if (action is not (DeliveryAction.Failed or DeliveryAction.Delayed)) return new Reply(250, status is ['2', ..] ? status : null, Reply.Printable(diagnostic));
        var reply = ReportedReply.Find(diagnostic);
        if (reply is null)
        {
            told = ReportedReply.Status(diagnostic) ?? told;
            var text = diagnostic.Length > 0 ? diagnostic : statusText ?? "";
            reply = ReportedReply.Parse(ReportedReply.CodeOf(told ?? status, action), text);
        }
        return reply.Enhanced is null && told is not null && told[0] == '0' + reply.Code / 100 ? reply with { Enhanced = told } : reply;
    }

    /// <summary><c>rfc822; ann@example.net</c>, <c>utf-8; …</c> with <c>\x{…}</c> for what is beyond ASCII (RFC 6533 §3), or without its type.</summary>
    private static string? Address(string? text)
    {
        var value = AfterType(text);
        if (value is null) return null;
        if (value.Contains(@"\x{", StringComparison.Ordinal)) value = Embedded().Replace(value, Character);
        return Marks.AddressIn(value);
    }

    private static string Character(Match match) =>
        int.TryParse(match.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var code) && code is > ' ' and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) ? char.ConvertFromUtf32(code) : "\uFFFD";

    private static string? Host(string? text)
    {
        var words = AfterType(text)?.Split([' ', '(', ')', '[', ']', ','], StringSplitOptions.RemoveEmptyEntries);
        return words is [var host, ..] && host.Length <= HostCharsMax && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or ':' or '_') && host.TrimEnd('.') is { Length: > 0 } name ? name : null;
    }

    /// <summary>The value without its type, <c>smtp;</c> or <c>dns;</c>, which some leave out.</summary>
    private static string? AfterType(string? text)
    {
        if (text is null) return null;
        var semicolon = text.IndexOf(';', StringComparison.Ordinal);
        var isType = semicolon is > 0 and <= 30 && text.AsSpan(0, semicolon).Trim().IndexOfAnyExcept(TypeCharacters) < 0;
        return (isType ? text[(semicolon + 1)..] : text).Trim();
    }

    private static readonly System.Buffers.SearchValues<char> TypeCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    [GeneratedRegex(@"[245]\.\d{1,3}\.\d{1,3}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex AnyStatus();

    [GeneratedRegex(@"\\x\{([0-9A-Fa-f]{2,6})\}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Embedded();
}
