using System.ComponentModel;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Suppressions;

/// <summary>
/// The public side of unsubscribe links (RFC 8058): scanners follow links, so showing the page changes nothing, and only a POST acts: a mail
/// program's one-click or one of the page's forms. It needs neither key nor cookie: the token is the right.
/// </summary>
internal static class UnsubscribeRoutes
{
    private const string TokenIs = "From the link in the mail: it says who unsubscribes from what, and is the right to.";

    public static void MapUnsubscribe(this IEndpointRouteBuilder routes)
    {
        var links = routes.MapGroup("/u").WithTags("Unsubscribe");
        links.MapGet("/{token}", Show).WithName("ShowUnsubscribe").WithSummary("Asks the recipient; changes nothing.")
            .Produces<string>(StatusCodes.Status200OK, "text/html").Produces<string>(StatusCodes.Status404NotFound, "text/html");
        links.MapPost("/{token}", Act).WithName("Unsubscribe").WithSummary("Unsubscribes the recipient (RFC 8058 one-click, or the page's form).")
            .WithDescription("The page's other forms choose topics and subscribe again.")
            .Produces<string>(StatusCodes.Status200OK, "text/html").Produces<string>(StatusCodes.Status404NotFound, "text/html");
    }

    private static async Task<ContentHttpResult> Show([Description(TokenIs)] string token, HttpResponse response, UnsubscribeLinks links, CancellationToken ct) =>
        await links.Find(token, ct) is { } mail
            ? Html(response, UnsubscribePage.Ask(mail, await links.Choices(mail, ct)), StatusCodes.Status200OK)
            : Html(response, UnsubscribePage.Unknown(), StatusCodes.Status404NotFound);

    private static async Task<ContentHttpResult> Act([Description(TokenIs)] string token, HttpContext context, UnsubscribeLinks links, CancellationToken ct)
    {
        var response = context.Response;
        if (await links.Find(token, ct) is not { } mail) return Html(response, UnsubscribePage.Unknown(), StatusCodes.Status404NotFound);
        var form = await UnsubscribeForm.Read(context.Request, ct);
        switch (form.Action)
        {
            case UnsubscribeAction.Resubscribe:
                await links.Resubscribe(mail, ct);
                return Html(response, UnsubscribePage.Saved(mail, await links.Choices(mail, ct)), StatusCodes.Status200OK);
            case UnsubscribeAction.Topics:
                await links.ChooseTopics(mail, form.Topics, ct);
                return Html(response, UnsubscribePage.Saved(mail, await links.Choices(mail, ct)), StatusCodes.Status200OK);
            default:
                await links.Unsubscribe(mail, ct);
                return Html(response, UnsubscribePage.Done(mail), StatusCodes.Status200OK);
        }
    }

    private static ContentHttpResult Html(HttpResponse response, string page, int status)
    {
        var headers = response.Headers;
        headers.ContentSecurityPolicy = UnsubscribePage.ContentSecurityPolicy;
        headers.CacheControl = "no-store";
        // The address is a right: it must not leak to where the reader goes next.
        headers["Referrer-Policy"] = "no-referrer";
        return TypedResults.Content(page, "text/html", Encoding.UTF8, status);
    }
}
