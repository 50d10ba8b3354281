using System.Text;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Domains;

/// <summary>The sending domains of a tenant.</summary>
internal static class DomainRoutes
{
    public static IServiceCollection AddDomains(this IServiceCollection services) =>
        services.AddSealed(DkimKeys.Sealed).AddSingleton<DomainRows>().AddSingleton<DomainRegistry>().AddSingleton<SendingDomains>()
            .AddSingleton<DkimRotation>().AddSingleton<RecordCheck>().AddSingleton<HealthCheck>().AddSingleton<DomainVerifier>();

    public static void MapDomains(this IEndpointRouteBuilder routes)
    {
        var domains = routes.MapGroup("/domains").WithTags("Domains");
        domains.MapPost("", Register).RequireScope(Scopes.Domains, needsTenant: false).WithName("RegisterDomain")
            .WithSummary("Registers a sending domain.").WithDescription("Answers the DNS records to publish for it.").ProducesProblem(409);
        domains.MapGet("", List).RequireScope(Scopes.Domains).WithName("ListDomains").WithSummary("Lists the tenant's domains, newest first.");
        domains.MapGet("/{id:id(dom_)}", Get).RequireScope(Scopes.Domains, needsTenant: false).WithName("GetDomain").WithSummary("Shows a domain and its records.");
        domains.MapPatch("/{id:id(dom_)}", Change).RequireScope(Scopes.Domains, needsTenant: false).WithName("ChangeDomain")
            .WithSummary("Changes a domain.").WithDescription("Its categories or rate, or, with the operator's key, who verifies it.");
        domains.MapDelete("/{id:id(dom_)}", Remove).RequireScope(Scopes.Domains, needsTenant: false).WithName("RemoveDomain")
            .WithSummary("Removes a domain and its keys.").WithDescription("Refused while mail waits to leave from it.").ProducesProblem(409);
        domains.MapPost("/{id:id(dom_)}/verify", Verify).RequireScope(Scopes.Domains, needsTenant: false).WithName("VerifyDomain")
            .WithSummary("Looks the domain's records up now.").WithDescription("Asks the servers that have authority over them; answers each record as seen and what to change.");
        domains.MapGet("/{id:id(dom_)}/zone", Zone).RequireScope(Scopes.Domains, needsTenant: false).WithName("GetDomainZone")
            .WithSummary("The domain's records as lines of a zone file.").Produces<string>(contentType: "text/plain");
        domains.MapGet("/{id:id(dom_)}/health", Health).RequireScope(Scopes.Domains, needsTenant: false).CountAsIngress().WithName("GetDomainHealth")
            .WithSummary("What receivers see of the domain.").WithDescription("Records, keys, SPF, DMARC, DNSSEC, alignment, and the addresses that its mail leaves from.");
        domains.MapDkim();
        routes.MapGet("/.well-known/mta-sts.txt", MtaSts).ExcludeFromDescription();
    }

    private static async Task<Results<Created<DomainAnswer>, ProblemHttpResult>> Register(
        DomainRequest request, Caller caller, DomainRegistry registry, DomainRows rows, DomainVerifier verifier, DomainOptions options, CancellationToken ct)
    {
        var errors = DomainRequestValidator.Instance.Validate(request).ToDictionary();
        if (TenantError(request, caller) is { } error) errors["tenant"] = [error];
        if (errors.Count > 0 || !DomainName.TryParse(request.Name, out var name)) return Problem.InvalidFields(errors);
        using var key = request.Dkim is { } dkim ? TakeKey(dkim, name, errors) : null;
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        if (request.Verification is "manual" && !caller.IsOperator) return Problem.OperatorOnly.With("Only the operator may vouch for a domain; use verification \"dns\".");
        if (!MayTouch(caller, name)) return Problem.ScopeMissing.With("The key is bound to other domains.");
        var domain = New(request.Tenant ?? caller.Tenant, name, request) with { Key = key is null ? null : (request.Dkim!.Selector!, key) };

        return await registry.Register(domain, ct) switch
        {
            Registration.Done done => TypedResults.Created($"/domains/{done.Id}",
                DomainAnswer.Of(await Registered(done.Id, domain, rows, verifier, ct), options) with { Warnings = done.LooksLikeAnother ? [LooksLikeAnother] : [] }),
            Registration.AlreadyYours yours => Problem.Conflict.With($"{name} is already registered as {yours.Id}."),
            Registration.TooMany => Problem.Conflict.With($"A tenant has at most {DomainRegistry.DomainsPerTenantMax} domains; remove one first."),
            Registration.NoSuchTenant => Problem.InvalidFields(new Dictionary<string, string[]> { ["tenant"] = ["There is no such tenant."] }),
            _ => Problem.Conflict.With($"{name}, or a name above or below it, is the domain of another tenant."),
        };
    }

    private const string LooksLikeAnother =
        "The name looks like that of another customer's domain. If that is chance, send on; mail that poses as another sender ends at spam filters, and the operator is told.";

    /// <summary>With what stands in its zone already, so that the records issued keep it.</summary>
    private static async Task<Domain> Registered(DomainId id, NewDomain domain, DomainRows rows, DomainVerifier verifier, CancellationToken ct)
    {
        var registered = (await rows.Find(id, domain.Tenant, ct))!;
        if (registered.Verification == Domains.Verification.Manual) return registered;
        await verifier.Check(registered, asked: false, DomainVerifier.InPassing, ct);
        return await rows.Find(id, domain.Tenant, ct) ?? registered;
    }

    private static async Task<Results<Ok<Page<DomainAnswer>>, ProblemHttpResult>> List(
        int? limit, string? cursor, Caller caller, DomainRows rows, DomainOptions options, CancellationToken ct)
    {
        var errors = new Dictionary<string, string[]>();
        var count = Paging.Limit(limit);
        if (count is null) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        if (!TryReadCursor(cursor, out var before)) errors["cursor"] = ["This is no cursor of this list."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);

        var found = await rows.List(caller.Tenant, before, count!.Value + 1, ct);
        var shown = found.Take(count.Value).ToList();
        var next = found.Count > shown.Count ? Paging.Encode(shown[^1].Id.Value.ToString("N")) : null;
        return TypedResults.Ok(new Page<DomainAnswer>(
            [.. shown.Where(domain => MayTouch(caller, domain.Name)).Select(domain => DomainAnswer.Of(domain, options))], next));
    }

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Get(
        string id, Caller caller, DomainRows rows, DomainOptions options, CancellationToken ct) =>
        await Find(id, caller, rows, ct) is { } domain ? TypedResults.Ok(DomainAnswer.Of(domain, options)) : Problem.NotFound.With();

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Change(
        string id, DomainSettings settings, Caller caller, DomainRegistry registry, DomainRows rows, DomainOptions options, CancellationToken ct)
    {
        var errors = DomainSettingsValidator.Instance.Validate(settings).ToDictionary();
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        if (await Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        if (settings.Verification is not null && !caller.IsOperator) return Problem.OperatorOnly.With("Only the operator may change who verifies a domain.");

        var change = new DomainChange(Categories(settings), settings.Rate?.PerSecond, settings.Rate?.Burst, Verification(settings), Extras(settings), settings.RotateDkimAfterDays);
        if (!await registry.Change(domain, change, ct)) return Problem.Conflict.With($"{domain.Name}, or a name above or below it, is the domain of another tenant.");
        return await rows.Find(domain.Id, domain.Tenant, ct) is { } changed ? TypedResults.Ok(DomainAnswer.Of(changed, options)) : Problem.NotFound.With();
    }

    private static async Task<Results<Ok<DomainAnswer>, ProblemHttpResult>> Verify(
        string id, Caller caller, DomainRows rows, DomainVerifier verifier, DomainOptions options, CancellationToken ct)
    {
        if (await Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        await verifier.Check(domain, asked: true, RecordCheck.Patience, ct);
        return await rows.Find(domain.Id, domain.Tenant, ct) is { } seen ? TypedResults.Ok(DomainAnswer.Of(seen, options)) : Problem.NotFound.With();
    }

    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> Zone(string id, Caller caller, DomainRows rows, DomainOptions options, CancellationToken ct) =>
        await Find(id, caller, rows, ct) is { } domain
            ? TypedResults.Text(string.Concat(DomainRecords.For(domain, options).Select(record => record.Zone + "\n")), "text/plain", Encoding.UTF8)
            : Problem.NotFound.With();

    private static async Task<Results<Ok<DomainHealth>, ProblemHttpResult>> Health(
        string id, Caller caller, DomainRows rows, DomainVerifier verifier, HealthCheck health, CancellationToken ct)
    {
        if (await Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        // The operator vouches for it, so nobody has looked yet.
        if (domain.CheckedAt is null)
        {
            await verifier.Check(domain, asked: false, DomainVerifier.InPassing, ct);
            domain = await rows.Find(domain.Id, domain.Tenant, ct) ?? domain;
        }
        return TypedResults.Ok(await health.Of(domain, ct));
    }

    /// <summary>RFC 8461 §3.3: the policy host names the domain; any name but that of a domain which asked for a policy has none.</summary>
    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> MtaSts(HttpRequest request, DomainRows rows, DomainOptions options, CancellationToken ct) =>
        await rows.HasMtaSts(request.Host.Host.ToLowerInvariant(), ct) ? TypedResults.Text(MtaStsPolicy.Text(options), "text/plain", Encoding.ASCII) : Problem.NotFound.With();

    private static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, Caller caller, DomainRegistry registry, DomainRows rows, CancellationToken ct)
    {
        if (await Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        var waiting = await registry.Remove(domain, ct);
        return waiting == 0
            ? TypedResults.NoContent()
            : Problem.Conflict.With($"{waiting} recipients of this domain's mail are not settled yet; cancel their messages or wait.");
    }

    /// <summary>The domain, if the caller may know of it; the operator without a tenant knows all.</summary>
    internal static async Task<Domain?> Find(string id, Caller caller, DomainRows rows, CancellationToken ct)
    {
        if (!PrefixedId.TryParse<DomainId>(id, out var domainId)) return null;
        var tenant = caller is { IsOperator: true, TenantOrNone: null } ? (TenantId?)null : caller.Tenant;
        if (await rows.Find(domainId, tenant, ct) is not { } domain || !MayTouch(caller, domain.Name)) return null;
        Act.Concerns(domain.Tenant);
        return domain;
    }

    /// <summary>A key bound to some domains neither sees nor changes the others.</summary>
    /// <summary>The key that a domain brings along. It is to sign alone, which not every receiver takes from Ed25519 (RFC 8463 §5).</summary>
    private static SigningKey? TakeKey(DkimImport import, string name, IDictionary<string, string[]> errors)
    {
        if (DomainRecords.KeyName(import.Selector!, name) is var record && record.Length > DomainName.OctetsMax)
            errors["dkim.selector"] = [$"{record} is longer than {DomainName.OctetsMax} octets and cannot exist; name a shorter selector."];
        if (!SigningKey.TryImportPem(import.PrivateKey!, out var key, out var refusal)) errors["dkim.privateKey"] = [refusal];
        else if (key.Algorithm != SigningAlgorithm.RsaSha256) errors["dkim.privateKey"] = ["An RSA key is required here; import the Ed25519 key as a second one once the domain is registered."];
        return key;
    }

    private static bool MayTouch(Caller caller, string name) => caller.Domains is null || caller.Domains.Contains(name);

    /// <summary>What is wrong with the tenant of a registration: only the operator names one, and must.</summary>
    private static string? TenantError(DomainRequest request, Caller caller) => (request.Tenant, caller.TenantOrNone) switch
    {
        ({ }, _) when !caller.IsOperator => "Only the operator's key names a tenant; yours is known by its key.",
        ({ } named, { } acting) when named != acting => "The body and the address name different tenants.",
        (null, null) => "Whose domain is it? Name the tenant here or as ?tenant=ten_….",
        _ => null,
    };

    private static NewDomain New(TenantId tenant, string name, DomainRequest request)
    {
        var rate = new SendingRate(request.Rate?.PerSecond ?? SendingRate.Default.PerSecond, request.Rate?.Burst ?? SendingRate.Default.Burst);
        return new NewDomain(tenant, name, Categories(request)!, rate, Verification(request) ?? Domains.Verification.Dns)
        {
            Extras = Extras(request),
            RotateAfterDays = request.RotateDkimAfterDays,
        };
    }

    private static List<Category>? Categories(DomainSettings settings) => settings.Categories?.Select(EnumText.Parse<Category>).Distinct().ToList();

    private static DomainExtras Extras(DomainSettings settings) => new() { MtaSts = settings.MtaSts, TlsRpt = settings.TlsRpt, BimiLogo = settings.BimiLogo };

    private static Verification? Verification(DomainSettings settings) => settings.Verification is { } text ? EnumText.Parse<Verification>(text) : null;

    private static bool TryReadCursor(string? cursor, out Guid before)
    {
        before = Guid.AllBitsSet;
        return string.IsNullOrEmpty(cursor) || (Paging.TryDecode(cursor, out var position) && Guid.TryParseExact(position, "N", out before));
    }
}
