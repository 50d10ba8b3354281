using System.Collections.Frozen;
using System.Text;
using MailApi.Mail.Composition;
using MimeKit;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>Whom the message says it is from, to, and to be answered to.</summary>
internal static class AddressLint
{
    private const int RecipientsMax = 50;

    /// <summary>Endings by which people take a word for a web or mail domain; "Node.js" and "St.John" are none.</summary>
    private static readonly FrozenSet<string> KnownEndings = new[]
    {
        "com", "net", "org", "info", "biz", "shop", "store", "online", "app", "io", "cn", "de", "uk", "eu", "fr", "nl", "it", "es", "pl", "ru", "jp", "us", "ca",
        "au", "br", "in", "hk", "tw", "sg", "ch", "at", "be", "se", "dk", "no", "fi", "cz", "gov", "edu", "bank", "example",
    }.ToFrozenSet();

    public static bool HasKnownEnding(string domain) => KnownEndings.Contains(domain[(domain.LastIndexOf('.') + 1)..]);

    public static Check FromAddress(RenderedMessage message)
    {
        const string cure = "Send from one address at a domain that you have registered here, such as orders@shop.example.";
        if (message.Mime is not { } mime) return Fail("fromAddress", Headers, message.Error!, cure);
        var mailboxes = mime.From.Mailboxes.ToList();
        if (mailboxes.Count != 1)
            return Fail("fromAddress", Headers, $"From names {mailboxes.Count} addresses; DMARC needs exactly one, and Gmail refuses others.", cure);
        if (!EmailAddress.TryParse(mailboxes[0].Address, out var address))
            return Fail("fromAddress", Headers, $"'{Shown.Text(mailboxes[0].Address)}' is no address that mail can be sent from.", cure);
        return address.LocalPart.StartsWith("noreply", StringComparison.OrdinalIgnoreCase) || address.LocalPart.StartsWith("no-reply", StringComparison.OrdinalIgnoreCase)
            ? mime.ReplyTo.Count > 0
                ? Pass("fromAddress", Headers, $"The message is from {address}, and answers go elsewhere.")
                : Warn("fromAddress", Headers, $"The message is from {address}: customers cannot answer, and providers prefer senders who can be reached.",
                    "Use an address that somebody reads, or set Reply-To to one.")
            : Pass("fromAddress", Headers, $"The message is from {address}.");
    }

    public static Check FromDisplayName(RenderedMessage message, string organizationalDomain)
    {
        const string cure = "Use the name of your shop or of a person, without an address or a domain in it.";
        if (message.From is not { } from || string.IsNullOrWhiteSpace(from.Name)) return Pass("fromDisplayName", Headers, "From has an address without a name.");

        var words = from.Name.Split([' ', '\t', '<', '>', '(', ')', '[', ']', '"', '\'', ',', ';', '|', '/', '“', '”'], StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words.Select(word => word.Trim('.', ':')))
        {
            var at = word.LastIndexOf('@');
            if (!DomainName.TryParse(word[(at + 1)..], out var domain) || Domains.IsWithin(domain, organizationalDomain)) continue;
            if (at > 0)
                return Fail("fromDisplayName", Headers,
                    $"The name in From shows the address {Shown.Text(word)}, but the message is from {Shown.Text(from.Address)}. That is what forgers do, and Gmail files it as spam.",
                    cure);
            if (HasKnownEnding(domain))
                return Warn("fromDisplayName", Headers, $"The name in From shows {Shown.Text(word)}, but the message is from {Shown.Text(from.Address)}; it looks like mail in another's name.",
                    cure);
        }
        return Pass("fromDisplayName", Headers, $"The name '{Shown.Text(from.Name)}' shows no other address or domain.");
    }

    public static Check ReplyTo(RenderedMessage message, string organizationalDomain)
    {
        var others = message.Mime?.ReplyTo.Mailboxes.Where(to => !IsOwn(to, organizationalDomain)).Select(to => to.Address).ToList() ?? [];
        return others.Count == 0
            ? Pass("replyTo", Headers, "Answers come back to your own domain.")
            : Warn("replyTo", Headers, $"Answers go to {Shown.List(others)}, outside {organizationalDomain}; spam filters take a free or foreign answer address for a sign of fraud.",
                $"Use an answer address at {organizationalDomain}.");
    }

    public static Check Recipients(RenderedMessage message)
    {
        if (message.Mime is not { } mime) return Fail("recipients", Headers, message.Error!, "Name one recipient in To.");
        var named = mime.To.Mailboxes.Concat(mime.Cc.Mailboxes).ToList();
        if (named.Count == 0)
            return message.Has("to") || message.Has("cc")
                ? Warn("recipients", Headers, "To names nobody; mail to undisclosed recipients is often taken for bulk mail.",
                    "Send each customer a message of their own, with their address in To.")
                : Fail("recipients", Headers, "There is neither To nor Cc; filters take such mail for spam.", "Name the recipient in To.");
        if (named.FirstOrDefault(to => !EmailAddress.TryParse(to.Address, out _)) is { } bad)
            return Fail("recipients", Headers, $"'{Shown.Text(bad.Address)}' is no mail address.", "Correct it.");
        if (named.FirstOrDefault(to => !Ascii.IsValid(to.LocalPart)) is { } international)
            return Warn("recipients", Headers, $"{Shown.Text(international.Address)} is in non-ASCII letters: not every server can take it (RFC 6531).",
                "Ask the customer for an address in plain letters as well.");
        return named.Count > RecipientsMax
            ? Warn("recipients", Headers, $"{named.Count} recipients see each other's addresses.", "Send each customer a message of their own.")
            : Pass("recipients", Headers, named.Count == 1 ? "The recipient is named." : $"{named.Count} recipients are named, and see each other.");
    }

    private static bool IsOwn(MailboxAddress mailbox, string organizationalDomain) =>
        EmailAddress.TryParse(mailbox.Address, out var address) && Domains.IsWithin(address.Domain, organizationalDomain);
}
