using System.Reflection;
using System.Security.Cryptography;
using MailApi.Api;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace MailApi.Hosting;

/// <summary>The OpenAPI document, the page that shows it, and the answers that no route gives.</summary>
internal static class ApiReference
{
    public const string SecurityScheme = "key";
    public const OpenApiSpecVersion Specification = OpenApiSpecVersion.OpenApi3_1;

    private static readonly (string Name, string Description)[] Tags =
    [
        ("Sending", "Mail goes in here."),
        ("Messages", "What became of it."),
        ("Events", "Everything that happened, in order, for those who poll or reconcile."),
        ("Webhooks", "Everything that happens, posted to you."),
        ("Domains", "The domains that mail is sent from, and the DNS records that they need."),
        ("Relays", "Smart hosts that take mail in the place of the receivers' own servers."),
        ("Diagnosis", "What a receiver will conclude about a message, before it is sent."),
        ("Suppressions", "Addresses that get no more mail."),
        ("Preferences", "What the tenant writes about, and what its recipients want of it."),
        ("Statistics", "What became of mail, in numbers."),
        ("Sandbox", "What test keys sent."),
        ("Unsubscribe", "The links in the mail's List-Unsubscribe header: for recipients and their mail programs."),
        ("Tenants", "Tenants and their keys."),
        ("Queue", "What waits, and the operator's hand on it."),
        ("Sites", "The destinations: what each is given now, and why."),
        ("Egress", "The addresses that mail leaves from."),
        ("TLS", "How TLS with receivers came out."),
        ("Receiving", "Mail that came back to another server."),
        ("Reports", "What receivers report about the domains: DMARC and TLS."),
        ("Audit", "Who changed what, and whether that record is whole."),
        ("Secrets", "Under which key the secrets in the store are sealed."),
    ];

    public static string Version { get; } = typeof(ApiReference).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>
    /// True while the build runs this program to write <c>contracts/openapi.json</c>: it starts the host, behind no server, and asks it for
    /// the document. Nothing else may start then, and the document must not depend on the machine's settings.
    /// </summary>
    public static bool IsBeingWritten { get; } = Assembly.GetEntryAssembly()?.GetName().Name == "GetDocument.Insider";

    public static void Configure(OpenApiOptions options)
    {
        options.OpenApiVersion = Specification;
        options.AddSchemaTransformer(ReferenceSchemas.Describe);
        options.AddOperationTransformer(ReferenceOperations.Describe);
        options.AddDocumentTransformer(Describe);
    }

    public static void MapReference(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/openapi/v1.json", async (ReferenceDocument document) => TypedResults.Bytes(await document.Octets, "application/json; charset=utf-8")).ExcludeFromDescription();
        routes.MapScalarApiReference("/docs", (page, context) =>
        {
            // The page works without the Internet and tells nobody that it is read: its script is ours, and the policy lets it call us alone.
            // Hexadecimal: the + and / of base64 would be escaped in the page and plain in the header.
            page.Nonce = RandomNumberGenerator.GetHexString(32, lowercase: true);
            context.Response.Headers.ContentSecurityPolicy =
                $"default-src 'none'; script-src 'self' 'nonce-{page.Nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
                "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            page.Title = "MailApi";
            page.Servers = [new ScalarServer($"{context.Request.Scheme}://{context.Request.Host}")];
            page.DefaultFonts = false;
            page.Telemetry = false;
            page.Agent = new ScalarAgentOptions { Disabled = true };
            page.Mcp = new ScalarMcpOptions { Disabled = true };
            page.ShowDeveloperTools = DeveloperToolsVisibility.Never;
            page.HideClientButton = true;
            page.SchemaPropertyOrder = PropertyOrder.Preserve;
            page.Authentication = new ScalarAuthenticationOptions { PreferredSecuritySchemes = [SecurityScheme] };
        });
    }

    /// <summary>JSON is UTF-8 (RFC 8259 §8.1): what says to be anything else is refused before a reader that does not know it fails.</summary>
    public static Task Utf8(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.HasJsonContentType() || MediaTypeHeaderValue.Parse(context.Request.ContentType).Charset is not { HasValue: true } charset) return next(context);
        if (!HeaderUtilities.RemoveQuotes(charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            return Problem.UnsupportedMediaType.With("Send JSON in UTF-8.").ExecuteAsync(context);
        // The framework's reader does not know the name in quotes.
        context.Request.ContentType = "application/json";
        return next(context);
    }

    /// <summary>Statuses that the framework answers without a body become problems too.</summary>
    public static Task BareStatus(StatusCodeContext context)
    {
        var response = context.HttpContext.Response;
        var problem = response.StatusCode switch
        {
            StatusCodes.Status404NotFound => Problem.NotFound.With("There is no such route or thing."),
            StatusCodes.Status405MethodNotAllowed => Problem.MethodNotAllowed.With($"Allowed here: {response.Headers.Allow}."),
            StatusCodes.Status413PayloadTooLarge => Problem.TooLarge.With("The body is larger than this route takes."),
            StatusCodes.Status415UnsupportedMediaType => Problem.UnsupportedMediaType.With("Send Content-Type: application/json."),
            StatusCodes.Status400BadRequest => Problem.BadRequest.With("The request cannot be understood."),
            _ => null,
        };
        return problem is null ? Task.CompletedTask : problem.ExecuteAsync(context.HttpContext);
    }

    private static async Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.Info = new OpenApiInfo
        {
            Title = "MailApi",
            Version = Version,
            Description =
                """
                A transactional email API. A `202` of `POST /send` means that the message is on disk.

                Refusals are RFC 9457 problem details; their types are listed in `contracts/errors.md`. A member that is absent and one that is null mean the
                same in a request; an answer leaves out what is null. Requests with members that are not listed here are refused; answers may get
                members that are not listed yet, and lists of words may grow.
                """.ReplaceLineEndings("\n"),
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };
        // Where it runs is the reader's business, and would make the document differ from machine to machine.
        document.Servers = [];
        document.Tags = new HashSet<OpenApiTag>(Tags.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }));
        var components = document.Components ??= new OpenApiComponents();
        components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [SecurityScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API key, `mk_live_…` or `mk_test_…`, whose scopes the operations name; or the operator's key, which has all of them.",
            },
        };
        components.Parameters = ReferenceOperations.Parameters();
        components.Responses = await ReferenceOperations.Problems(document, context, ct);
        ReferenceSchemas.Finish(document);
    }
}
