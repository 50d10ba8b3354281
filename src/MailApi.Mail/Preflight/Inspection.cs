using MailApi.Mail.Routing;

namespace MailApi.Mail.Preflight;

/// <summary>
/// Every check of a rendered message that needs nothing of the tenant's data. Nothing is sent; what is looked up is looked up at the same time,
/// each with a deadline of its own, while the message is read.
/// </summary>
public sealed class Inspection(DnsResolver dns, Blocklists blocklists, Spamd spamd, TimeProvider time)
{
    /// <summary>The checks in the order in which they are told. Hostile messages fail checks; they do not throw.</summary>
    /// <param name="raw">The octets exactly as they would leave, signed.</param>
    /// <param name="facts">What the message does not tell.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<IReadOnlyList<Check>> Run(ReadOnlyMemory<byte> raw, PreflightFacts facts, CancellationToken ct)
    {
        var egress = new EgressLint(dns, time);
        var reverseDns = egress.ReverseDns(facts.EgressAddress, ct);
        var helo = egress.Helo(facts.HeloName, facts.EgressAddress, ct);

        var message = RenderedMessage.Read(raw);
        var links = Link.Of(message);
        var blocked = FilterLint.Blocklisted(blocklists, message, links, facts, ct);
        var spam = FilterLint.SpamAssassin(spamd, message, ct);
        Check[] lint = [.. Lint(message, links, facts, time.GetUtcNow())];

        await Task.WhenAll(reverseDns, helo, blocked, spam);
        return
        [
            ReceiverRules.Gmail(message, facts, await reverseDns), ReceiverRules.Yahoo(message, facts, await reverseDns), ReceiverRules.Microsoft(message, facts),
            await reverseDns, await helo, .. lint, await blocked, await spam,
        ];
    }

    /// <summary>What can be said without asking anybody.</summary>
    internal static IEnumerable<Check> Lint(RenderedMessage message, IReadOnlyList<Link> links, PreflightFacts facts, DateTimeOffset now) =>
    [
        HeaderLint.RequiredHeaders(message), HeaderLint.DuplicateHeaders(message), HeaderLint.HeaderSyntax(message),
        HeaderLint.HeaderSize(message), HeaderLint.Date(message, now), HeaderLint.MessageId(message, facts.OrganizationalDomain),
        AddressLint.FromAddress(message), AddressLint.FromDisplayName(message, facts.OrganizationalDomain),
        AddressLint.ReplyTo(message, facts.OrganizationalDomain), AddressLint.Recipients(message),
        LineLint.LineLength(message), LineLint.LineEnds(message), LineLint.EightBitHeaders(message),
        MimeLint.MimeStructure(message), MimeLint.Charset(message), MimeLint.TransferEncoding(message),
        SubjectLint.SubjectText(message), SubjectLint.SubjectCapitals(message), SubjectLint.SubjectPunctuation(message),
        SubjectLint.SubjectReply(message, facts.IsMarketing),
        CharacterLint.HiddenCharacters(message), CharacterLint.MixedScripts(message),
        PhraseLint.SpamPhrases(message),
        HtmlLint.TextAlternative(message), HtmlLint.TextParity(message), HtmlLint.ImageOnly(message), HtmlLint.HiddenText(message),
        HtmlLint.ActiveContent(message), HtmlLint.ImageAlt(message), HtmlLint.InlineStyle(message),
        LinkLint.LinkHosts(links, facts), LinkLint.LinkSchemes(links), LinkLint.LinkAddresses(links, facts.OrganizationalDomain),
        LinkLint.LinkShorteners(links), LinkLint.LinkText(links, facts), LinkLint.TrackingHost(facts),
        UnsubscribeLint.OneClick(message, facts), UnsubscribeLint.UnsubscribeLink(message, links, facts.IsMarketing),
        AttachmentLint.AttachmentTypes(message), AttachmentLint.AttachmentNames(message), AttachmentLint.AttachmentContent(message),
        AttachmentLint.AttachmentArchives(message), AttachmentLint.AttachmentSize(message),
        SizeLint.MessageSize(message),
        HtmlLint.HtmlSize(message),
    ];
}
