using System.Text.RegularExpressions;
using MailApi.Mail.Smtp;

namespace MailApi.Mail.Bounces;

/// <summary>
/// Bounces in forms of their own: qmail's, Exim's, Exchange's old ones, those of webmail systems in the languages of their users. Who writes it and how it
/// is headed make it one; the recipient and the reply are looked for in its text.
/// </summary>
internal static partial class BounceNotice
{
    private const int RecipientsMax = 100;

    public static Returned.Status? Read(IReadOnlyList<Part> parts, Marks marks)
    {
        var header = parts[0].Fields;
        var sign = BounceSigns.Of(header);
        if (!sign.IsPossible) return null;
        var text = NoticeText.Of(parts);
        if (!sign.IsCertain && !BounceSigns.SaysSo(text.Whole) && ReportedReply.Find(text.Whole) is null) return null;

        marks.SetQuoted(FieldBlock.ReadAll(text.Copy.Length > 0 ? text.Copy : text.Whole));
        var about = marks.About();
        var action = BounceSigns.IsDelay(header["Subject"] ?? "", text.Whole) ? DeliveryAction.Delayed : DeliveryAction.Failed;
        var recipients = Recipients(header, text, about, action);
        return new Returned.Status(recipients) { About = about };
    }

    private static List<RecipientStatus> Recipients(FieldBlock header, NoticeText text, About about, DeliveryAction action)
    {
        var named = Named(header, text, about);
        if (named.Count == 0) return [Status(action, null, text.Paragraphs, header)];
        if (named.Count == 1) return [Status(action, named[0], text.Paragraphs, header)];

        // What is said of one stands between its address and the next, and is read once however many begin there: of those whose address is not found all is.
        var begins = named.ConvertAll(address => First(text.Paragraphs, address));
        var said = new Dictionary<int, RecipientStatus>();
        foreach (var begin in begins)
        {
            if (said.ContainsKey(begin)) continue;
            var end = begins.Where(other => other > begin).DefaultIfEmpty(text.Paragraphs.Count).Min();
            said[begin] = Status(action, null, begin < 0 ? text.Paragraphs : [.. text.Paragraphs.Take(begin..end)], header);
        }
        return [.. named.Select((address, index) => said[begins[index]] with { FinalRecipient = address })];
    }

    private static int First(IReadOnlyList<string> paragraphs, string address)
    {
        for (var index = 0; index < paragraphs.Count; index++)
            if (paragraphs[index].Contains(address, StringComparison.OrdinalIgnoreCase)) return index;
        return -1;
    }

    /// <summary>Those of a field made for it, else those that begin a paragraph, else the first that is nobody else's.</summary>
    private static List<string> Named(FieldBlock header, NoticeText text, About about)
    {
        var named = new List<string>();
        foreach (var value in header.All("X-Failed-Recipients").Concat(header.All("X-Failed-Recipient")))
        {
            ReadOnlySpan<char> rest = value;
            while (named.Count < RecipientsMax && Marks.AddressIn(ref rest) is { } address) Add(named, address);
        }
        if (named.Count > 0) return named;

        foreach (var paragraph in text.Paragraphs)
        {
            if (named.Count < RecipientsMax && paragraph[0] == '<' && paragraph.IndexOf(">:", StringComparison.Ordinal) is > 0 and var end && Marks.AddressIn(paragraph.AsSpan(0, end)) is { } address) Add(named, address);
        }
        if (named.Count > 0) return named;

        var from = Marks.AddressIn(header["From"] ?? "");
        ReadOnlySpan<char> all = text.Whole;
        while (Marks.AddressIn(ref all) is { } address)
            if (IsRecipient(address, from, about)) return [address];
        return [];
    }

    private static void Add(List<string> named, string address)
    {
        if (!named.Contains(address, StringComparer.OrdinalIgnoreCase)) named.Add(address);
    }

    /// <summary>Not the sender's, whatever sub-domain of it the answer is to, and not somebody's who helps.</summary>
    private static bool IsRecipient(string address, string? from, About about)
    {
        if (BounceSigns.IsSystem(address) || string.Equals(from, address, StringComparison.OrdinalIgnoreCase)) return false;
        var domain = address[(address.LastIndexOf('@') + 1)..];
        return !about.ReturnPaths.Any(path => path.Equals(address, StringComparison.OrdinalIgnoreCase)
            || path.EndsWith("@" + domain, StringComparison.OrdinalIgnoreCase) || path.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase));
    }

    private static RecipientStatus Status(DeliveryAction action, string? address, IReadOnlyList<string> paragraphs, FieldBlock header)
    {
        var (reply, said) = Reply(action, paragraphs);
        // It is still tried: what is quoted may be the last refusal, which is temporary, or none at all.
        if (action == DeliveryAction.Delayed && reply.IsPermanent) action = DeliveryAction.Failed;
        return new RecipientStatus
        {
            Action = action,
            FinalRecipient = address,
            OriginalRecipient = null,
            Reply = reply,
            RemoteHost = Host(said) ?? Host(string.Join('\n', paragraphs)) ?? Reporter(header),
            Verdict = BounceTable.Classify(reply, DeliveryReport.IsAtRecipient(said)),
        };
    }

    /// <summary>The reply that is quoted; else a status; else what the words mean that are understood, or all of them.</summary>
    public static (Reply Reply, string Said) Reply(DeliveryAction action, IReadOnlyList<string> paragraphs)
    {
        foreach (var paragraph in paragraphs)
            if (ReportedReply.Find(paragraph) is { } reply) return (WithStatus(reply, paragraphs), paragraph);
        foreach (var paragraph in paragraphs)
            if (ReportedReply.Status(paragraph) is { } status) return (ReportedReply.Parse(ReportedReply.CodeOf(status, action), paragraph) with { Enhanced = status }, paragraph);

        var code = ReportedReply.CodeOf(null, action);
        foreach (var paragraph in paragraphs)
        {
            var reply = ReportedReply.Parse(code, paragraph);
            if (BounceTable.Classify(reply, atRecipient: true).Class != BounceClass.Other) return (reply, paragraph);
        }
        var whole = string.Join('\n', paragraphs);
        return (ReportedReply.Parse(code, whole), whole);
    }

    /// <summary>Where the code that is quoted brings none, but the notice has one elsewhere.</summary>
    private static Reply WithStatus(Reply reply, IReadOnlyList<string> paragraphs)
    {
        if (reply.Enhanced is not null) return reply;
        var status = paragraphs.Select(ReportedReply.Status).FirstOrDefault(it => it is not null && !it.EndsWith(".0.0", StringComparison.Ordinal));
        return status is not null && status[0] == '0' + reply.Code / 100 ? reply with { Enhanced = status } : reply;
    }

    private static string? Host(string text) => HostSaid().Match(text[..Math.Min(text.Length, 4000)]) is { Success: true } match ? match.Groups[1].Value.ToLowerInvariant() : null;

    private static string? Reporter(FieldBlock header) => Marks.AddressIn(header["From"] ?? "") is { } from ? from[(from.LastIndexOf('@') + 1)..].ToLowerInvariant() : null;

    [GeneratedRegex(@"\b(?:host|server|generating server:|server:|mta) ([a-z0-9][a-z0-9.-]{0,200}\.[a-z]{2,20})\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex HostSaid();
}
