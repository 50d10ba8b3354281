using System.Collections.Concurrent;
using System.ComponentModel;
using MailApi.Api;
using MailApi.Mail.Dkim;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Sandbox;

/// <summary>The sandbox inbox: what test keys sent, parsed and raw.</summary>
public static class SandboxRoutes
{
    /// <summary>While it is shown, a message is held up to thirty times over: its octets, its parts decoded, as text of two octets a character, as JSON.</summary>
    private const int LargeOctets = 1024 * 1024;

    /// <summary>Large messages that are shown at once, one for each tenant.</summary>
    private const int LargeReadsMax = 3;

    private static readonly ConcurrentDictionary<TenantId, bool> LargeReads = new();

    private const string Absent = "There is no such message in the sandbox; the oldest make room for new ones.";

    public static void MapSandbox(this IEndpointRouteBuilder routes)
    {
        var sandbox = routes.MapGroup("/sandbox/messages").RequireScope(Scopes.Read).WithTags("Sandbox");
        sandbox.MapGet("", List).WithName("ListSandboxMessages").WithSummary("What test keys sent, newest first.");
        sandbox.MapGet("/{id:id(sbx_)}", Get).WithName("GetSandboxMessage").WithSummary("A message, parsed.")
            .WithDescription("As a mail program would show it, with the verdict on its signatures.");
        sandbox.MapGet("/{id:id(sbx_)}/raw", Raw).WithName("GetSandboxMessageRaw").WithSummary("A message's octets as they were received.")
            .Produces<Stream>(StatusCodes.Status200OK, contentType: "message/rfc822");
    }

    private static async Task<Results<Ok<Page<SandboxSummary>>, ProblemHttpResult>> List(
        Caller caller, Db db, CancellationToken ct, int? limit = null, string? cursor = null,
        [Description("Of this message alone: `msg_…`.")] string? message = null, [Description("To this address alone.")] string? recipient = null)
    {
        var errors = new Dictionary<string, string[]>();
        if (Paging.Limit(limit) is not { } count) (count, errors["limit"]) = (0, [$"Between 1 and {Paging.LimitMax}."]);
        var before = new SandboxMessageId(Guid.AllBitsSet);
        if (!string.IsNullOrEmpty(cursor) && !(Paging.TryDecode(cursor, out var position) && PrefixedId.TryParse(position, out before)))
            errors["cursor"] = ["Not a cursor of this list: pass an answer's next, or nothing to begin with the newest."];
        var of = default(MessageId);
        if (message is not null && !PrefixedId.TryParse(message, out of)) errors["message"] = ["An id of the form msg_… is expected."];
        if (recipient?.Contains('\0') == true) errors["recipient"] = ["Not an address."];
        if (errors.Count > 0) return Problem.InvalidFields(errors);

        var found = await SandboxInbox.List(db, caller.Tenant, before, message is null ? null : of, Paging.Address(recipient), count + 1, ct);
        var shown = found.Take(count).Select(SandboxReader.Summary).ToList();
        return TypedResults.Ok(new Page<SandboxSummary>(shown, found.Count > count ? Paging.Encode(shown[^1].Id.ToString()) : null));
    }

    private static async Task<Results<Ok<SandboxMessage>, ProblemHttpResult>> Get(string id, Caller caller, Db db, TimeProvider time, HttpResponse response, CancellationToken ct)
    {
        var (row, refusal) = await Find(id, caller, db, response, ct);
        if (row is null) return refusal!;
        var dkim = await Verifier.Verify(row.Octets, (selector, domain, token) => SandboxInbox.KeyRecord(db, caller.Tenant, selector, domain, token), time, ct);
        return TypedResults.Ok(SandboxReader.Message(row, dkim));
    }

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> Raw(string id, Caller caller, Db db, HttpResponse response, CancellationToken ct)
    {
        var (row, refusal) = await Find(id, caller, db, response, ct);
        return row is null ? refusal! : TypedResults.Bytes(row.Octets, "message/rfc822");
    }

    /// <summary>A large message keeps its place among those that are read until it has been written.</summary>
    private static async Task<(SandboxRow? Row, ProblemHttpResult? Refusal)> Find(string id, Caller caller, Db db, HttpResponse response, CancellationToken ct)
    {
        if (!PrefixedId.TryParse<SandboxMessageId>(id, out var parsed) || await SandboxInbox.SizeOf(db, caller.Tenant, parsed, ct) is not { } size) return (null, Problem.NotFound.With(Absent));
        if (size > LargeOctets)
        {
            if (LargeReads.Count >= LargeReadsMax || !LargeReads.TryAdd(caller.Tenant, true))
            {
                response.Headers.RetryAfter = "5";
                return (null, Problem.Busy.With("A large message of the sandbox is being read; ask again when it has been."));
            }
            response.RegisterForDispose(new LargeRead(caller.Tenant));
        }
        return await SandboxInbox.Find(db, caller.Tenant, parsed, ct) is { } row ? (row, null) : (null, Problem.NotFound.With(Absent));
    }

    private sealed class LargeRead(TenantId tenant) : IDisposable
    {
        public void Dispose() => LargeReads.TryRemove(tenant, out _);
    }
}
