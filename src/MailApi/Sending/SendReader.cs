using System.Text.Json;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Spool;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace MailApi.Sending;

/// <summary>From the octets of a request to a draft and its envelopes: all that needs neither rights nor the store.</summary>
internal sealed class SendReader(SendRequestValidator validator, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json)
{
    /// <summary>Of UTF-8: may be passed over (RFC 8259 §8.1).</summary>
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>The request, or the refusal: bad JSON, or everything that is wrong with its values.</summary>
    public ProblemHttpResult? Parse(ReadOnlyMemory<byte> body, out SendRequest request)
    {
        request = null!;
        if (body.Span.StartsWith(ByteOrderMark)) body = body[ByteOrderMark.Length..];
        if (body.Length > BodyMemory.FreeOctets && HasTooManyTokens(body.Span)) return Problem.BadJson.With($"A body of this size has at most {SendLimits.JsonTokensMax} JSON tokens: names, values and brackets.");
        try
        {
            var options = json.Value.SerializerOptions;
            request = (SendRequest?)JsonSerializer.Deserialize(body.Span, options.GetTypeInfo(typeof(SendRequest)))!;
            if (request is null) return Problem.BadJson.With("The body must be a JSON object.");
            var validation = validator.Validate(request);
            return validation.IsValid ? null : Problem.InvalidFields(ValidationErrors.ByPath(validation));
        }
        catch (JsonException e)
        {
            return Problem.BadJson.With(JsonErrors.Describe(e));
        }
    }

    /// <summary>Each would become an object, which of millions halts everybody while they are collected.</summary>
    private static bool HasTooManyTokens(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        var tokens = 0;
        try
        {
            while (tokens <= SendLimits.JsonTokensMax && reader.Read()) tokens++;
        }
        catch (JsonException)
        {
            // Told by who reads it in earnest, with the place.
        }
        return tokens > SendLimits.JsonTokensMax;
    }

    /// <summary>Reads a point in time as a JSON number or member of that type would be read.</summary>
    public static bool TryReadInstant(string? text, out DateTimeOffset at)
    {
        at = default;
        return text is not null && JsonSerializer.SerializeToElement(text, SendJson.Default.String).TryGetDateTimeOffset(out at);
    }

    /// <summary>The sender of a request that was validated.</summary>
    public static Mailbox From(SendRequest request) => Mailboxes([request.From])[0];

    public static Draft Draft(SendRequest request, MessageId id, FeedbackLoop? feedbackLoop, DateTimeOffset now) => new()
    {
        MessageId = $"{id.Value:N}@{From(request).Address.Domain}",
        Date = now,
        From = From(request),
        To = Mailboxes(request.To),
        Cc = Mailboxes(request.Cc),
        ReplyTo = Mailboxes(request.ReplyTo),
        Subject = request.Subject!,
        Text = NullIfEmpty(request.Text),
        Html = NullIfEmpty(request.Html),
        Headers = request.Headers?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [],
        Attachments = [.. request.Attachments?.Select(file => new Attachment(
            file!.Filename!, file.ContentType ?? "application/octet-stream", Convert.FromBase64String(file.Content!), file.ContentId)) ?? []],
        FeedbackLoop = feedbackLoop,
    };

    /// <summary>One envelope a distinct recipient, bcc included; an internationalised header makes every envelope need SMTPUTF8.</summary>
    public static List<AcceptedEnvelope> Envelopes(SendRequest request, Draft draft)
    {
        var header = Composer.NeedsSmtpUtf8(draft);
        return [.. draft.To.Concat(draft.Cc).Concat(Mailboxes(request.Bcc)).Select(mailbox => mailbox.Address).Distinct()
            .Select(address => new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), address.ToString(), address.Domain, header || address.NeedsSmtpUtf8))];
    }

    /// <summary>Programs that always write both mean no part with an empty one.</summary>
    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static List<Mailbox> Mailboxes(IReadOnlyList<string?>? texts)
    {
        var mailboxes = new List<Mailbox>(texts?.Count ?? 0);
        foreach (var text in texts ?? [])
            if (Mailbox.TryParse(text, out var mailbox)) mailboxes.Add(mailbox);
        return mailboxes;
    }
}
