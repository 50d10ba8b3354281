using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Reports;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Reports;

/// <summary>Reports come in, posted by receivers or by hand, and what they say goes out.</summary>
internal static class ReportRoutes
{
    private const string Forms = "A DMARC report (XML) or a TLS report (JSON), bare, in gzip or in zip, or a whole mail (message/rfc822) with one. The octets decide, whatever Content-Type says.";

    /// <summary>What they are labelled with when they are labelled well; the last stands for everything else.</summary>
    private static readonly string[] Labels = ["application/gzip", "application/zip", "application/octet-stream", "text/xml", "application/json", "message/rfc822", "*/*"];

    public static IServiceCollection AddReports(this IServiceCollection services) => services
        .AddSingleton(provider => new ReportToken(provider.GetRequiredService<Vault>().Derived(ReportToken.KeyPurpose)))
        .AddSingleton<ReportIntake>().AddSingleton<ReportBodies>().AddSingleton<ReportQueries>().AddSingleton<ReportSummary>().AddHostedService<ReportRetention>();

    public static void MapReports(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/reports/{token}", Post).WithMetadata(new BodySizeLimit(ReportBodies.Drained * ReportBodies.PostedOctetsMax)).WithTags("Reports").WithName("PostReport")
            .WithSummary("For receivers: takes a TLS report (RFC 8460 §3, rua=https:) or a DMARC report.").WithDescription(Forms).Accepts<Stream>("application/tlsrpt+gzip", ["application/tlsrpt+json", .. Labels]).ProducesProblem(404).ProducesProblem(413).ProducesProblem(422).ProducesProblem(503);
        var domain = routes.MapGroup("/domains/{id:id(dom_)}/reports").WithTags("Reports");
        domain.MapPost("", Upload).RequireScope(Scopes.Domains, needsTenant: false).IsTraffic().WithMetadata(new BodySizeLimit(ReportBodies.Drained * ReportLimits.MessageOctetsMax)).WithName("UploadReport")
            .WithSummary("Takes a report that came elsewhere.").WithDescription(Forms + " `200` for one that is there already.").Accepts<Stream>("application/xml", Labels).ProducesProblem(413).ProducesProblem(422);
        domain.MapGet("", Get).RequireScope(Scopes.Domains, needsTenant: false).WithName("GetDomainReports")
            .WithSummary("Who sends as the domain, what passes, what fails and why.")
            .WithDescription("From the reports of receivers: DMARC by source address, and TLS by result, each with an explanation and its cure. Kept for 400 days from their receipt, whatever days they are about.");
    }

    private static async Task<Results<Created, Ok, ProblemHttpResult>> Post(
        [Description("From the rua= of the domain's TLS-RPT record: it says which domain the report is about.")] string token,
        HttpRequest request, ReportToken tokens, ReportBodies bodies, ReportIntake intake, CancellationToken ct)
    {
        if (!tokens.TryRead(token, out var domain)) return Problem.NotFound.With();
        var (taking, refusal) = await bodies.Posted(request, (octets, token) => intake.TakeFile(domain, octets, token), ct);
        if (refusal is not null) return refusal;
        return taking switch
        {
            ReportTaking.Stored => TypedResults.Created(),
            ReportTaking.Duplicate => TypedResults.Ok(),
            // The domain is gone; its record is not.
            ReportTaking.NotForDomain { PolicyDomain: "" } => Problem.NotFound.With(),
            var other => Refused(other!),
        };
    }

    private static async Task<Results<Created<TakenReport>, Ok<TakenReport>, ProblemHttpResult>> Upload(
        string id, HttpContext context, Caller caller, BodyMemory memory, DomainRows rows, ReportIntake intake, CancellationToken ct)
    {
        if (await DomainRoutes.Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        var (body, refusal) = await PostedBody.Read(context, domain.Tenant, memory, ReportLimits.MessageOctetsMax, ct);
        if (body is null) return refusal!;
        using var held = body;
        return await intake.TakeFile(domain.Id, body.Octets, ct) switch
        {
            ReportTaking.Stored stored => TypedResults.Created($"/domains/{domain.Id}/reports", new TakenReport { Kind = stored.Kind, Organization = stored.Organization, ReportId = stored.ReportId }),
            ReportTaking.Duplicate there => TypedResults.Ok(new TakenReport { Kind = there.Kind, Organization = there.Organization, ReportId = there.ReportId }),
            var other => Refused(other),
        };
    }

    private static async Task<Results<Ok<DomainReports>, ProblemHttpResult>> Get(
        string id, [Description("The first day, UTC; by default that of the oldest report.")] DateOnly? from, [Description("The last day, UTC; by default today, or that of the newest report.")] DateOnly? to,
        [Description("How many sources to show, those with most mail first.")] int? limit, Caller caller, DomainRows rows, ReportQueries queries, ReportSummary summary, TimeProvider time, CancellationToken ct)
    {
        if (await DomainRoutes.Find(id, caller, rows, ct) is not { } domain) return Problem.NotFound.With();
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var kept = await queries.Kept(domain.Tenant, domain.Id, ct) ?? (today, today);
        var last = to ?? (kept.Last > today ? kept.Last : today);
        var first = from ?? (kept.First < last ? kept.First : last);
        var errors = new Dictionary<string, string[]>();
        var sources = Paging.Limit(limit);
        if (sources is null) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        if (first > last) errors["from"] = ["It must not be after to."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        return TypedResults.Ok(await summary.Of(domain, first, last, sources!.Value, ct));
    }

    private static ProblemHttpResult Refused(ReportTaking taking) => taking switch
    {
        ReportTaking.NotAReport no => Problem.Invalid.With(no.Reason),
        ReportTaking.TooMany many => Problem.RateLimited.With(many.Reason),
        ReportTaking.NotForDomain other => Problem.Invalid.With($"The report is about {other.PolicyDomain}, which is neither this domain nor one above or below it."),
        _ => throw new InvalidOperationException($"{taking} is no refusal."),
    };
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DomainReports))]
[JsonSerializable(typeof(TakenReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
