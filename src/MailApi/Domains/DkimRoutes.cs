using System.ComponentModel;
using System.Text;
using MailApi.Api;
using MailApi.Mail.Dkim;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Domains;

/// <summary>The signing keys of a domain, step by step, and the zone in which the service publishes those that tenants point to.</summary>
internal static class DkimRoutes
{
    public static void MapDkim(this RouteGroupBuilder domains)
    {
        domains.MapPost("/{id:id(dom_)}/dkim/rotate", Rotate).RequireScope(Scopes.Domains, needsTenant: false).WithName("RotateDkimKey")
            .WithSummary("Makes the key that follows.").WithDescription("It signs once its record is seen; the key it follows stays published for the mail that is under way.").ProducesProblem(409);
        domains.MapPost("/{id:id(dom_)}/dkim/import", Import).RequireScope(Scopes.Domains, needsTenant: false).WithName("ImportDkimKey")
            .WithSummary("Takes a key that was made elsewhere.").ProducesProblem(409);
        domains.MapPost("/{id:id(dom_)}/dkim/{selector}/activate", Activate).RequireScope(Scopes.Domains, needsTenant: false).WithName("ActivateDkimKey")
            .WithSummary("Lets a pending key sign.").WithDescription("Its record must be there, except where the operator vouches for the domain.").ProducesProblem(409);
        domains.MapPost("/{id:id(dom_)}/dkim/{selector}/revoke", Revoke).RequireScope(Scopes.Domains, needsTenant: false).WithName("RevokeDkimKey")
            .WithSummary("Ends a key at once.").WithDescription("Its private half is destroyed; its record is to say so with an empty p=.").ProducesProblem(409);
        domains.MapGet("/delegated-zone", DelegatedZone).RequireScope(Scopes.Operator, needsTenant: false).WithName("GetDelegatedZone")
            .WithSummary("What to publish in the delegation zone.").WithDescription("The keys and return paths of all domains, as lines of a zone file.").Produces<string>(contentType: "text/plain");
    }

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Rotate(
        string id, [Description("`rsa` (when absent), or `ed25519` for a second signature.")] string? algorithm,
        Caller caller, DomainRows rows, DkimRotation rotation, DomainOptions options, CancellationToken ct)
    {
        var wanted = KeyAlgorithm.Rsa;
        if (algorithm is not null && !EnumText.TryParse(algorithm, out wanted))
            return Problem.InvalidFields(new Dictionary<string, string[]> { ["algorithm"] = ["An algorithm is rsa or ed25519."] });
        if (await DomainRoutes.Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        return await Answer(domain, await rotation.Rotate(domain, wanted, ct), rows, options, ct);
    }

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Import(
        string id, DkimImport request, Caller caller, DomainRows rows, DkimRotation rotation, DomainOptions options, CancellationToken ct)
    {
        var errors = DkimImportValidator.Instance.Validate(request).ToDictionary();
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        if (await DomainRoutes.Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        if (!SigningKey.TryImportPem(request.PrivateKey!, out var key, out var refusal))
            return Problem.InvalidFields(new Dictionary<string, string[]> { ["privateKey"] = [refusal] });
        using (key) return await Answer(domain, await rotation.Import(domain, request.Selector!, key, ct), rows, options, ct);
    }

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Activate(
        string id, [Description("The name in front of `._domainkey`.")] string selector, Caller caller, DomainRows rows, DkimRotation rotation, DomainVerifier verifier, DomainOptions options, CancellationToken ct)
    {
        if (await DomainRoutes.Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        if (domain.Keys.All(key => key.Selector != selector)) return Problem.NotFound.With();
        if (domain.Verification == Verification.Manual) return await Answer(domain, await rotation.Activate(domain, selector, ct), rows, options, ct);
        await verifier.Check(domain, asked: false, RecordCheck.Patience, ct);
        var key = (await rows.Find(domain.Id, domain.Tenant, ct))?.Keys.FirstOrDefault(it => it.Selector == selector);
        KeyStep step = key?.State == KeyState.Active
            ? new KeyStep.Done(selector)
            : new KeyStep.Refused($"The record of {selector} is not there yet, or the key is not pending. GET /domains/{domain.Id} shows what was seen.");
        return await Answer(domain, step, rows, options, ct);
    }

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Revoke(
        string id, [Description("The name in front of `._domainkey`.")] string selector, Caller caller, DomainRows rows, DkimRotation rotation, DomainOptions options, CancellationToken ct) =>
        await DomainRoutes.Find(id, caller, rows, ct) is { } domain ? await Answer(domain, await rotation.Revoke(domain, selector, ct), rows, options, ct) : Problem.NotFound.With();

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Answer(Domain domain, KeyStep step, DomainRows rows, DomainOptions options, CancellationToken ct)
    {
        if (step is KeyStep.Refused refused) return Problem.Conflict.With(refused.Reason);
        return step is KeyStep.Done && await rows.Find(domain.Id, domain.Tenant, ct) is { } changed ? TypedResults.Ok(DomainAnswer.Of(changed, options)) : Problem.NotFound.With();
    }

    private static async Task<ContentHttpResult> DelegatedZone(DomainRows rows, DomainOptions options, CancellationToken ct)
    {
        if (options.DelegationZone is not { } zone) return TypedResults.Text("; Domains__DelegationZone is not set: tenants publish everything themselves.\n", "text/plain", Encoding.ASCII);
        var lines = new StringBuilder();
        lines.Append(ZoneFile.Line("bounces." + zone, "MX", $"10 {options.ServiceHost}.")).Append('\n');
        lines.Append(ZoneFile.Line("bounces." + zone, "TXT", ZoneFile.Strings($"v=spf1 include:{options.SpfIncludeOrDefault} ~all"))).Append('\n');
        await foreach (var domain in rows.All(ct))
            foreach (var key in domain.Keys)
            {
                var value = key.State == KeyState.Revoked ? SigningKey.RevokedRecord : SigningKey.Record(key.Public);
                lines.Append(ZoneFile.Line(DomainRecords.DelegatedName(domain, key, zone), "TXT", ZoneFile.Strings(value))).Append('\n');
            }
        return TypedResults.Text(lines.ToString(), "text/plain", Encoding.ASCII);
    }
}
