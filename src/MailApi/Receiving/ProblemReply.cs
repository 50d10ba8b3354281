using MailApi.Mail.Smtp;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Receiving;

/// <summary>A refusal of the API as one of SMTP: the same words, with a code that tells a client the same.</summary>
internal static class ProblemReply
{
    public static Reply From(ProblemHttpResult problem)
    {
        var (code, enhanced) = problem.StatusCode switch
        {
            StatusCodes.Status403Forbidden => (550, "5.7.1"),
            StatusCodes.Status413PayloadTooLarge => (552, "5.3.4"),
            StatusCodes.Status429TooManyRequests => (451, "4.7.1"),
            StatusCodes.Status503ServiceUnavailable => (451, "4.3.1"),
            _ => (554, "5.5.0"),
        };
        return new Reply(code, enhanced, problem.ProblemDetails.Detail ?? problem.ProblemDetails.Title ?? "Refused");
    }
}
