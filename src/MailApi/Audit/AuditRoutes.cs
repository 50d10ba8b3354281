using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Audit;

/// <summary>Who did what, and whether that record is whole.</summary>
public static class AuditRoutes
{
    public static IServiceCollection AddAudit(this IServiceCollection services) => services
        .AddSingleton<AuditChain>().AddSingleton<AuditLog>().AddSingleton<AppendAct>(provider => provider.GetRequiredService<AuditLog>().Append);

    public static void MapAudit(this IEndpointRouteBuilder routes)
    {
        var audit = routes.MapGroup("/audit").WithTags("Audit");
        audit.MapGet("", List).RequireScope(Scopes.Admin, needsTenant: false).WithName("ListAudit").WithSummary("Who changed what, newest first.")
            .WithDescription("Every act on keys, domains, webhooks, relays, mailboxes, lists and settings, by key, without content. With the operator's key and no tenant, everyone's.");
        audit.MapGet("/verify", Verify).RequireScope(Scopes.Operator, needsTenant: false).WithName("VerifyAudit").WithSummary("Checks the whole audit log.")
            .WithDescription("Names the first row that was altered, removed, added or moved. Keep the `mark` of an answer elsewhere: given to a later check, it shows rows that were cut off the end and replaced.");
    }

    private static async Task<Results<Ok<Page<AuditEntry>>, ProblemHttpResult>> List(Caller caller, AuditLog log, CancellationToken ct, int? limit = null, string? cursor = null)
    {
        var errors = new Dictionary<string, string[]>();
        if (Paging.Limit(limit) is not { } size) (errors["limit"], size) = ([$"Between 1 and {Paging.LimitMax}."], 0);
        var before = long.MaxValue;
        if (!string.IsNullOrEmpty(cursor) && !(Paging.TryDecode(cursor, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out before))) errors["cursor"] = ["This is no cursor of this list."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        var found = await log.List(caller.TenantOrNone, before, size + 1, ct);
        var shown = found.Take(size).ToList();
        return TypedResults.Ok(new Page<AuditEntry>(shown, found.Count > size ? Paging.Encode(shown[^1].Position.ToString(CultureInfo.InvariantCulture)) : null));
    }

    private static async Task<Results<Ok<AuditVerdict>, ProblemHttpResult>> Verify(
        AuditLog log, CancellationToken ct, [Description("That of an earlier check, or of a line in the process's log.")] string? mark = null)
    {
        if (mark is null) return TypedResults.Ok(await log.Verify(null, ct));
        return AuditChain.TryReadMark(mark, out var position, out var mac)
            ? TypedResults.Ok(await log.Verify((position, mac), ct))
            : Problem.InvalidFields(new Dictionary<string, string[]> { ["mark"] = ["A mark is a position, a colon and 64 hexadecimal digits."] });
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Page<AuditEntry>))]
[JsonSerializable(typeof(AuditVerdict))]
internal sealed partial class AuditJson : JsonSerializerContext;
