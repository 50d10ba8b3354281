using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp.Listener;
using MailApi.Reports;
using MailApi.Sending;
using MailApi.Spool;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Receiving;

/// <summary>What <c>POST /receive</c> made of a message.</summary>
public sealed record ReceiveAnswer
{
    public required ReturnedKind Kind { get; init; }

    /// <summary>What it answers; absent where that cannot be told, or is not yours.</summary>
    public EnvelopeId? Envelope { get; init; }

    /// <summary>State and event are committed; false for what had come before or has no consequence.</summary>
    public required bool Recorded { get; init; }

    /// <summary>Of a failed delivery: what kind of refusal it was.</summary>
    public BounceClass? Class { get; init; }

    /// <summary>Of a failed delivery: whether trying again is of no use.</summary>
    public bool? Hard { get; init; }

    /// <summary>What the refusal means and what to do about it, in words for people.</summary>
    public string? Explanation { get; init; }
}

/// <summary>Mail that came back to another server, handed in over HTTP: a pipe from an existing MTA.</summary>
internal static class ReceiveRoutes
{
    /// <summary>Of a message: as much as is sent.</summary>
    public const int MessageBytesMax = 40 << 20;

    public static IServiceCollection AddIntake(this IServiceCollection services) => services.AddSingleton<Addressees>().AddSingleton<HeaderAddressee>().AddSingleton<Intake>();

    public static void MapReceive(this IEndpointRouteBuilder routes) => routes.MapPost("/receive", Receive).RequireScope(Scopes.Receive).IsTraffic()
        .WithMetadata(new BodySizeLimit(MessageBytesMax)).WithTags("Receiving").WithName("Receive")
        .WithSummary("Takes a message that came back.")
        .WithDescription("A bounce, a feedback report, an unsubscription or a DMARC or TLS report, as raw octets. It changes what it answers if that is yours, once however often it is handed in. The octets decide, whatever Content-Type says, unless it says JSON or a form with parts.")
        .Accepts<Stream>("message/rfc822", "*/*");

    private static async Task<Results<Ok<ReceiveAnswer>, ProblemHttpResult>> Receive(
        [Description("The address that the message was sent to, as the server's envelope had it; without it Delivered-To, X-Original-To, Envelope-To or To must tell, or the message itself.")] string? recipient,
        Caller caller, HttpContext context, BodyMemory memory, Addressees addressees, HeaderAddressee addressee, Intake intake, CancellationToken ct)
    {
        if (RawBody.IsSomethingElse(context.Request)) return Problem.UnsupportedMediaType.With("Send the raw message with Content-Type: message/rfc822, or with none.");
        Addressee? to = null;
        if (recipient is not null)
        {
            to = MailPath.TryParse(recipient, out var path) ? await addressees.Find(path, ct) : null;
            if (to is null or Addressee.Unknown || !MaySpeakFor(caller, to))
                return Problem.InvalidFields(new Dictionary<string, string[]> { ["recipient"] = ["Not an address of yours: <tag>@bounces.<your domain>. Leave it out to have the message itself looked at."] });
        }

        var (body, refusal) = await PostedBody.Read(context, caller.Tenant, memory, MessageBytesMax, ct);
        if (body is null) return refusal!;
        using var held = body;
        var message = body.Octets;
        if (recipient is null) to = await addressee.Of(message, address => MaySpeakFor(caller, address), ct);
        var taken = await intake.Take(message, to, new Scope(caller.Tenant, to?.Domain.Id, Domains: caller.Domains, TestOnly: caller.IsTest), fromAnyone: false, ct);
        switch (taken.Effect)
        {
            case ReturnEffect.TooEarly:
                context.Response.Headers.RetryAfter = "5";
                return Problem.Busy.With("The message that this answers is still being sent. Hand it in again.");
            case ReturnEffect.TooMany:
                context.Response.Headers.RetryAfter = "3600";
                return Problem.RateLimited.With(ReportIntake.TooMany);
            default:
                return TypedResults.Ok(Answer(taken));
        }
    }

    private static ReceiveAnswer Answer(Taken taken) => new()
    {
        Kind = taken.Kind,
        Envelope = taken.Effect == ReturnEffect.Unknown ? null : taken.Envelope,
        Recorded = taken.Effect == ReturnEffect.Recorded,
        Class = taken.Verdict?.Class,
        Hard = taken.Verdict?.IsHard,
        Explanation = taken.Verdict?.Explanation,
    };

    /// <summary>Whoever may not send as a domain may not answer for it either, and a test key for no live mail.</summary>
    private static bool MaySpeakFor(Caller caller, Addressee to) =>
        to.Domain.Tenant == caller.Tenant && caller.Domains?.Contains(to.Domain.Name) != false && (!caller.IsTest || to is not Addressee.Unsubscribe { Mail.Test: false });
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ReceiveAnswer))]
internal sealed partial class ReceiveJson : JsonSerializerContext;
