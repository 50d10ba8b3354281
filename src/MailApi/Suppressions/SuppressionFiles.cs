using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.OpenApi;

namespace MailApi.Suppressions;

/// <summary>The list as a file: in and out as CSV, both ways streamed.</summary>
internal static class SuppressionFiles
{
    private const string Csv = "text/csv";

    public static void Map(RouteGroupBuilder suppressions)
    {
        suppressions.MapPost("/import", Import).RequireScope(Scopes.Suppressions).WithMetadata(new BodySizeLimit(SuppressionImport.FileOctetsMax)).WithName("ImportSuppressions")
            .WithSummary("Brings in a list as CSV.").WithDescription(
                $"""
                UTF-8, separated by commas; the first line names the columns: `{CsvColumns.Address}`, and any of {string.Join(", ", CsvColumns.All.Skip(1).Select(name => $"`{name}`"))}.
                An empty cell says what an absent column does: every category, `manual`, `import`, now, never, no override. An override is recorded as the calling key's.
                A row that cannot be read is counted as refused and loses no other. An entry that is there already is changed only where the row's holds for longer. A file whose upload broke off can be sent again whole.
                """)
            .ProducesProblem(413).ProducesProblem(415).ProducesProblem(422)
            .AddOpenApiOperationTransformer((operation, _, _) => Describe(operation));
        suppressions.MapGet("/export", Export).RequireScope(Scopes.Suppressions).WithName("ExportSuppressions").WithSummary("The whole list as CSV, oldest entry first.")
            .WithDescription("As an import takes it. A cell that a spreadsheet program would take for a formula has an apostrophe before it, which an import takes away.")
            .Produces<string>(StatusCodes.Status200OK, Csv);
    }

    private static async Task<Results<Ok<ImportResult>, ProblemHttpResult>> Import(Caller caller, HttpContext context, SuppressionImport import, CancellationToken ct)
    {
        var request = context.Request;
        if (RawBody.IsSomethingElse(request)) return Problem.UnsupportedMediaType.With($"Send the file with Content-Type: {Csv}, or with none.");
        if (request.ContentLength > SuppressionImport.FileOctetsMax) return Problem.TooLarge.With($"The file may have at most {SuppressionImport.FileOctetsMax} octets: send it in parts.");
        var (result, headerError) = await import.Read(caller.Tenant, SuppressionRoutes.By(caller), request.BodyReader, ct);
        return result is not null ? TypedResults.Ok(result) : Problem.InvalidFields(new Dictionary<string, string[]> { ["header"] = [headerError!] });
    }

    private static PushStreamHttpResult Export(Caller caller, HttpResponse response, SuppressionExport export, CancellationToken ct)
    {
        response.Headers.CacheControl = "no-store";
        return TypedResults.Stream(file => export.Write(caller.Tenant, file, ct), Csv + "; charset=utf-8", "suppressions.csv");
    }

    private static Task Describe(OpenApiOperation operation)
    {
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Csv] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = $"{string.Join(',', CsvColumns.All)}\r\nann@example.net,marketing,unsubscribe,old provider,2026-01-31T12:00:00Z,,\r\n" },
            },
        };
        return Task.CompletedTask;
    }
}
