using System.Buffers;
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
    private const int CopyBytes = 64 * 1024;

    public static async Task<(byte[] Bytes, IResult? Problem)> ReadBody(HttpRequest request, CancellationToken ct)
    {
        if (!request.HasJsonContentType()) return ([], Problem.UnsupportedMediaType.With("Send Content-Type: application/json."));
        if (request.ContentLength > SendLimits.BodyBytesMax) return ([], TooLarge());
        using var buffer = new MemoryStream((int)(request.ContentLength ?? 0));
        try
        {
            // A body in chunks does not tell its length: what is too much of it is thrown away as it comes.
            if (!await Copy(request.Body, buffer, ct)) return ([], TooLarge());
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return ([], TooLarge());
        }
        return (buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray(), null);

        static IResult TooLarge() => Problem.TooLarge.With($"The body may have at most {SendLimits.BodyBytesMax} octets.");
    }

    /// <summary>False when there was more than <see cref="SendLimits.BodyBytesMax"/>; the body is read to its end all the same.</summary>
    private static async Task<bool> Copy(Stream body, MemoryStream buffer, CancellationToken ct)
    {
        var block = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            var fits = true;
            while (await body.ReadAsync(block, ct) is > 0 and var read)
            {
                fits = fits && buffer.Length + read <= SendLimits.BodyBytesMax;
                if (fits) buffer.Write(block, 0, read);
                else buffer.SetLength(0);
            }
            return fits;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>The request, or the refusal: bad JSON, or everything that is wrong with its values.</summary>
    public ProblemHttpResult? Parse(byte[] body, out SendRequest request)
    {
        request = null!;
        try
        {
            var options = json.Value.SerializerOptions;
            request = (SendRequest?)JsonSerializer.Deserialize(body, options.GetTypeInfo(typeof(SendRequest)))!;
            if (request is null) return Problem.BadJson.With("The body must be a JSON object.");
            var validation = validator.Validate(request);
            return validation.IsValid ? null : Problem.InvalidFields(ValidationErrors.ByPath(validation));
        }
        catch (JsonException e)
        {
            return Problem.BadJson.With(JsonErrors.Describe(e));
        }
    }

    /// <summary>The sender of a request that was validated.</summary>
    public static Mailbox From(SendRequest request) => Mailboxes([request.From])[0];

    public static Draft Draft(SendRequest request, MessageId id, DateTimeOffset now) => new()
    {
        MessageId = $"{id.Value:N}@{From(request).Address.Domain}",
        Date = now,
        From = From(request),
        To = Mailboxes(request.To),
        Cc = Mailboxes(request.Cc),
        ReplyTo = Mailboxes(request.ReplyTo),
        Subject = request.Subject!,
        Text = request.Text,
        Html = request.Html,
        Headers = request.Headers?.ToDictionary(pair => pair.Key, pair => pair.Value!) ?? [],
        Attachments = [.. request.Attachments?.Select(file => new Attachment(
            file!.Filename!, file.ContentType ?? "application/octet-stream", Convert.FromBase64String(file.Content!), file.ContentId)) ?? []],
    };

    /// <summary>One envelope a distinct recipient, bcc included; an internationalised header makes every envelope need SMTPUTF8.</summary>
    public static List<AcceptedEnvelope> Envelopes(SendRequest request, Draft draft)
    {
        var header = Composer.NeedsSmtpUtf8(draft);
        return [.. draft.To.Concat(draft.Cc).Concat(Mailboxes(request.Bcc)).Select(mailbox => mailbox.Address).Distinct()
            .Select(address => new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), address.ToString(), address.Domain, header || address.NeedsSmtpUtf8))];
    }

    private static List<Mailbox> Mailboxes(IReadOnlyList<string?>? texts)
    {
        var mailboxes = new List<Mailbox>(texts?.Count ?? 0);
        foreach (var text in texts ?? [])
            if (Mailbox.TryParse(text, out var mailbox)) mailboxes.Add(mailbox);
        return mailboxes;
    }
}
