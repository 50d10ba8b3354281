using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Authentication;
using MailApi.Mail.Preflight;
using MailApi.Sending;

namespace MailApi.Diagnosis;

/// <summary>What a receiver will conclude, told before anything is sent.</summary>
internal static class DiagnosisRoutes
{
    public static IServiceCollection AddDiagnosis(this IServiceCollection services) =>
        services.AddSingleton<Inspection>().AddSingleton<RecipientChecks>().AddSingleton<SendDiagnosis>();

    public static void MapDiagnosis(this IEndpointRouteBuilder routes)
    {
        var diagnose = routes.MapGroup("/diagnose").WithTags("Diagnosis");
        diagnose.MapPost("/authentication", AuthenticationDiagnosis.Answer).RequireScope(Scopes.Read, needsTenant: false).IsTraffic().WithMetadata(new BodySizeLimit(SendLimits.BodyBytesMax))
            .WithName("DiagnoseAuthentication").WithSummary("What a receiver would conclude about a raw message.")
            .WithDescription("SPF, DKIM, DMARC and ARC from live DNS, with every reason and its cure in words.");
        diagnose.MapPost("/send", (Caller caller, HttpContext context, SendDiagnosis diagnosis, CancellationToken ct) => diagnosis.Answer(caller, context, ct))
            .RequireScope(Scopes.Send).IsTraffic().WithMetadata(new BodySizeLimit(SendLimits.BodyBytesDrainedMax)).WithName("DiagnoseSend")
            .WithSummary("What would become of a message.").WithDescription("Takes the body of POST /send and sends nothing: authentication, receivers' rules, content, links, blocklists, suppression and limits, each with reason and cure, and a score.")
            .Accepts<SendRequest>("application/json").Produces<SendVerdict>();
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AuthenticationQuestion))]
[JsonSerializable(typeof(AuthenticationReport))]
[JsonSerializable(typeof(SendVerdict))]
internal sealed partial class DiagnosisJson : JsonSerializerContext;
