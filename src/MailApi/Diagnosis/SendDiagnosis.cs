using System.Collections.Frozen;
using System.Net;
using System.Text;
using MailApi.Api;
using MailApi.Delivery;
using MailApi.Domains;
using MailApi.Mail.Authentication;
using MailApi.Mail.Composition;
using MailApi.Mail.Preflight;
using MailApi.Mail.Routing;
using MailApi.Sending;

namespace MailApi.Diagnosis;

/// <summary>What would become of a message.</summary>
internal sealed record SendVerdict
{
    public required RenderedMail Message { get; init; }

    /// <summary>What a receiver would conclude about who sent it.</summary>
    public required AuthenticationReport Authentication { get; init; }

    /// <summary>The gravest first within each group.</summary>
    public required IReadOnlyList<Check> Checks { get; init; }

    /// <summary>0 to 10; 4 at most where authentication fails.</summary>
    public required double Score { get; init; }
}

/// <summary>The message exactly as it would leave for its first recipient.</summary>
/// <param name="ClientIp">Where receivers would see it come from; null when that is not known, as behind a relay.</param>
/// <param name="Helo">What would be said in EHLO.</param>
/// <param name="MailFrom">The return path.</param>
/// <param name="Recipient">The first of <paramref name="Recipients"/>.</param>
/// <param name="Recipients">How many envelopes there would be.</param>
/// <param name="Size">Octets.</param>
/// <param name="Raw">Signed.</param>
internal sealed record RenderedMail(string? ClientIp, string Helo, string MailFrom, string Recipient, int Recipients, int Size, string Raw);

/// <summary>The host of the relay that mail of a domain and category leaves through; null where it goes straight to its receivers.</summary>
internal delegate Task<string?> RelayHostOf(TenantId tenant, string domain, Category category, CancellationToken ct);

/// <summary>
/// <c>POST /diagnose/send</c>: takes a send body the way <see cref="SendEndpoint"/> does, composes and signs it, and asks everything that can be
/// asked before sending. Nothing is stored and nothing leaves but questions.
/// </summary>
internal sealed class SendDiagnosis(
    SendReader reader, BodyMemory memory, SendRights rights, FeedbackLoops feedbackLoops, SendingDomains domains, MailSigner signer, Authenticator authenticator, OrganizationalDomain organization, Inspection inspection,
    RecipientChecks recipients, EgressSourceOf egressOf, RelayHostOf relayOf, FrozenDictionary<Category, CategoryRules> rules, TimeProvider time)
{
    public async Task<IResult> Answer(Caller caller, HttpContext context, CancellationToken ct)
    {
        var (body, unread) = await PostedBody.ReadMessage(context, caller.Tenant, memory, SendLimits.BodyBytesMax, ct);
        if (body is null) return unread!;
        using var held = body;
        if (reader.Parse(body.Octets, out var request) is { } refused) return refused;
        var from = SendReader.From(request);
        var category = EnumText.Parse<Category>(request.Category!);
        var (domain, refusal) = await rights.Find(caller, from.Address.Domain, category, ct);
        if (refusal is not null) return refusal;
        if (await domains.Identity(domain!.Id, ct) is not { } identity) return Problem.DomainNotAllowed.With($"{domain.Name} is not a domain of this tenant.");

        var id = PrefixedId.New<MessageId>();
        var draft = SendReader.Draft(request, id, feedbackLoops.For(id, domain), time.GetUtcNow());
        var content = Composer.Compose(draft);
        if (content.Length > SendLimits.MessageBytesMax) return Problem.TooLarge.With($"The composed message has {content.Length} octets; at most {SendLimits.MessageBytesMax} are taken.");
        var envelopes = SendReader.Envelopes(request, draft);
        byte[] signed = [.. signer.Sign(content, envelopes[0].Id, identity, rules[category]).SelectMany(part => part.ToArray())];
        body.Composed();
        var returnPath = signer.ReturnPath(envelopes[0].Id, identity);

        var others = recipients.Run(caller.Tenant, rules[category], identity, [.. envelopes.Select(envelope => envelope.Recipient)], request.Topic, request.RequireTls == true, ct);
        var egress = egressOf(caller.Tenant, domain.Name, [category]);
        var relay = await relayOf(caller.Tenant, domain.Name, category, ct);
        // Receivers see the relay, and which of its addresses is its keeper's affair.
        if (relay is not null) egress = egress with { Addresses = [] };
        var (report, checks) = await Judge(signed, egress, relay, returnPath, identity.Name, category, ct);
        IReadOnlyList<Check> all = [.. checks, .. await others];
        return TypedResults.Ok(new SendVerdict
        {
            Message = new RenderedMail(egress.Usual?.ToString(), egress.HeloName, returnPath, envelopes[0].Recipient, envelopes.Count, signed.Length, Encoding.UTF8.GetString(signed)),
            Authentication = report,
            Checks = [.. all.OrderBy(check => check.Group).ThenByDescending(check => check.Result)],
            Score = Score.Of(all),
        });
    }

    private async Task<(AuthenticationReport, IReadOnlyList<Check>)> Judge(byte[] signed, EgressSource egress, string? relay, string returnPath, string from, Category category, CancellationToken ct)
    {
        var address = egress.Usual;
        var walk = organization.Of(from, ct);
        // Where no address is known, one that no record can name stands for it: SPF then says what it says of strangers.
        var report = await authenticator.Check(address ?? IPAddress.Any, egress.HeloName, returnPath, signed, ct);
        var checks = await inspection.Run(signed, new PreflightFacts
        {
            IsMarketing = category == Category.Marketing,
            OrganizationalDomain = (await walk).OrganizationalDomain,
            EgressAddress = address,
            HeloName = egress.HeloName,
            SpfResult = report.Spf.Result,
            SpfAligned = report.Dmarc.SpfAligned,
            Dkim = [.. report.Dkim.Select(signature => new DkimFact(signature.Domain, signature.Selector, signature.Result, report.Dmarc.DkimAligned || signature.Domain == from))],
            DmarcResult = report.Dmarc.Result,
            DmarcPolicy = report.Dmarc.Policy,
            TrackingHost = DomainRecords.TrackingHost(from),
        }, ct);
        return (report, [.. AuthenticationChecks.Of(report, from, address, relay), .. checks]);
    }
}
