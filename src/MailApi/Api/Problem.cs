using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace MailApi.Api;

/// <summary>
/// Every refusal of the API, as RFC 9457 problem details. <see cref="Type"/> is stable and documented in <c>contracts/errors.md</c>;
/// the detail says what to do.
/// </summary>
public sealed record Problem(int Status, string Type, string Title)
{
    public const string TypeBase = "https://mailapi.dev/errors/";

    public static readonly Problem BadJson = new(400, "bad-json", "The body is not the JSON that this route takes.");
    public static readonly Problem BadRequest = new(400, "bad-request", "The request cannot be understood.");
    public static readonly Problem Unauthorized = new(401, "unauthorized", "A valid API key is required.");
    public static readonly Problem ScopeMissing = new(403, "scope-missing", "The key may not do this.");
    public static readonly Problem DomainNotAllowed = new(403, "domain-not-allowed", "The From domain is not a verified domain of this tenant.");
    public static readonly Problem CategoryNotAllowed = new(403, "category-not-allowed", "The domain does not carry this category.");
    public static readonly Problem OperatorOnly = new(403, "operator-only", "Only the operator's key may do this.");
    public static readonly Problem NotFound = new(404, "not-found", "There is no such thing here.");
    public static readonly Problem MethodNotAllowed = new(405, "method-not-allowed", "The route does not take this method.");
    public static readonly Problem Conflict = new(409, "conflict", "The request conflicts with what exists.");
    public static readonly Problem TooLarge = new(413, "too-large", "The request is too large.");
    public static readonly Problem UnsupportedMediaType = new(415, "unsupported-media-type", "The body must be application/json.");
    public static readonly Problem Invalid = new(422, "invalid", "Some fields are invalid.");
    public static readonly Problem IdempotencyReused = new(422, "idempotency-reused", "This Idempotency-Key was used with another body.");
    public static readonly Problem RateLimited = new(429, "rate-limited", "Too many requests.");
    public static readonly Problem Internal = new(500, "internal", "The service failed.");
    public static readonly Problem StoreUnavailable = new(503, "store-unavailable", "The store cannot be reached; nothing was accepted.");
    public static readonly Problem Busy = new(503, "busy", "The service is at its limit; nothing was accepted.");

    /// <summary>Everything above, for the catalogue of errors.</summary>
    public static readonly IReadOnlyList<Problem> All =
    [
        BadJson, BadRequest, Unauthorized, ScopeMissing, DomainNotAllowed, CategoryNotAllowed, OperatorOnly, NotFound, MethodNotAllowed, Conflict,
        TooLarge, UnsupportedMediaType, Invalid, IdempotencyReused, RateLimited, Internal, StoreUnavailable, Busy,
    ];

    /// <summary>This problem as an answer; <paramref name="detail"/> tells the caller what happened and what to do.</summary>
    public ProblemHttpResult With(string? detail = null) => TypedResults.Problem(Details(detail));

    /// <summary><see cref="Invalid"/> with the errors by JSON path, all at once: <c>{ "to[0]": ["…"] }</c>.</summary>
    public static ProblemHttpResult InvalidFields(IDictionary<string, string[]> errors)
    {
        var details = Invalid.Details("See errors, keyed by JSON path.");
        details.Extensions["errors"] = errors;
        return TypedResults.Problem(details);
    }

    public ProblemDetails Details(string? detail) => new() { Status = Status, Type = TypeBase + Type, Title = Title, Detail = detail ?? Title };
}
