using System.Data.Common;
using System.Text.Json;
using MailApi.Api;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Hosting;

/// <summary>What escapes a route, as a problem: the caller's fault, the store's absence, or ours.</summary>
internal sealed partial class ProblemExceptions(ILogger<ProblemExceptions> log) : IExceptionHandler
{
    private const string StoreRetryAfterSeconds = "5";

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested) return true;
        var problem = Answer(httpContext, exception);
        httpContext.Response.StatusCode = problem.StatusCode;
        await problem.ExecuteAsync(httpContext);
        return true;
    }

    private ProblemHttpResult Answer(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return Problem.TooLarge.With("The body is larger than this route takes.");
            case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                return Problem.UnsupportedMediaType.With("Send Content-Type: application/json.");
            case BadHttpRequestException { InnerException: JsonException json }:
                return Problem.BadJson.With(JsonErrors.Describe(json));
            case BadHttpRequestException bad:
                return Problem.BadRequest.With(bad.Message);
            case DbException or TimeoutException:
                LogStoreAway(exception.Message);
                context.Response.Headers.RetryAfter = StoreRetryAfterSeconds;
                return Problem.StoreUnavailable.With(Store.IsFull(exception)
                    ? "The store's disk is full. Send the request again once the operator has made room, with the same Idempotency-Key."
                    : "Send the request again, with the same Idempotency-Key.");
            default:
                // The exception handler has taken the endpoint off the request.
                LogFailed(exception, context.Request.Method, context.Features.Get<IExceptionHandlerFeature>()?.Endpoint?.DisplayName);
                return Problem.Internal.With("The failure is logged. Nothing was accepted unless a 202 was answered.");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away: {Error}")]
    private partial void LogStoreAway(string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Route} failed")]
    private partial void LogFailed(Exception exception, string method, string? route);
}
