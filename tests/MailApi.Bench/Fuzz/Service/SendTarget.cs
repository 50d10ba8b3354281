using System.Text;
using MailApi.Api;
using MailApi.Mail.Composition;
using MailApi.Sending;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>Bodies of <c>POST /send</c>: refused with a problem, or a message that every reader takes as it was meant.</summary>
internal sealed class SendTarget(IServiceProvider services)
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 6, 0, 0, TimeSpan.Zero);
    private static readonly FeedbackLoop Loop = new("feedback@bounces.shop.test", "0198c0de");
    private readonly SendReader reader = services.GetRequiredService<SendReader>();

    public static readonly byte[][] Seeds =
    [
        .. Repository.Orders().Take(5).Select(Encoding.UTF8.GetBytes),
        .. Texts.Octets("""{"from":"a@shop.test","to":["Ann <b@example.net>"],"cc":["\"C, D\" <c@example.net>"],"bcc":["d@example.net"],"replyTo":["e@shop.test"],"subject":"x","text":"y","html":"<p>z</p>","category":"notification","headers":{"X-A":"b"},"metadata":{"k":"v"},"tags":["t"],"topic":"news","onUncertain":"hold","sendAt":"2026-12-01T00:00:00Z","attachments":[{"filename":"发票.pdf","contentType":"application/pdf","content":"AAAA","contentId":"a@b"}]}"""),
    ];

    public static readonly string[] Words =
    [
        "\\ud800", "\\udc00", "\\u0000", "\\r\\n", "\\u2028", "\"from\":", "\"to\":[", "\"headers\":{", "\"attachments\":[{", "\"filename\":", "\"content\":\"", "\"contentType\":\"", "\"sendAt\":\"", "null", "1e999", "[[[[", "{\"a\":", "true", "\"requireTls\":", "\"Bcc\":", "multipart/mixed; boundary=x", "message/rfc822",
        "text/plain; charset=utf-7", "=?utf-8?Q?=0D=0A?=", "您的订单", "\uD83D\uDE00", ",", "}", "]", "<a@b.test>", "\\\"", "../../x",
    ];

    public string Try(byte[] input)
    {
        if (reader.Parse(input, out var request) is { } problem) return Refused(problem.ProblemDetails);
        var id = MessageId.From(Guid.Parse("0198c0de-0000-7000-8000-000000000001"));
        var draft = SendReader.Draft(request, id, Loop, Now);
        var envelopes = SendReader.Envelopes(request, draft);
        if (envelopes.Count == 0 || envelopes.Select(it => it.Recipient).Distinct().Count() != envelopes.Count) throw new InvalidOperationException("No recipients, or one twice.");
        var octets = Composer.Compose(draft);
        var text = Encoding.Latin1.GetString(octets);
        if (text.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().ContainsAny("\r\n\0") || text.Split("\r\n").Any(line => line.Length > 998)) throw new InvalidOperationException("A line that may not leave.");
        if (!Ascii.IsValid(text) && !Composer.NeedsSmtpUtf8(draft)) throw new InvalidOperationException("Not 7-bit.");

        var read = MimeKit.MimeMessage.Load(new MemoryStream(octets));
        if (read.From.Mailboxes.Count() != 1 || read.To.Mailboxes.Count() != draft.To.Count || read.Cc.Mailboxes.Count() != draft.Cc.Count || read.Bcc.Count > 0) throw new InvalidOperationException("Other addresses than were given.");
        if (read.Headers.Count(header => header.Id == MimeKit.HeaderId.Subject) != 1) throw new InvalidOperationException("Another number of subjects than one.");
        return $"{read.Body?.ContentType.MimeType} {Math.Min(3, draft.Attachments.Count)} {Math.Min(3, draft.Headers.Count)} {Math.Min(3, envelopes.Count)} {Composer.NeedsSmtpUtf8(draft)} {request.SendAt is null}";
    }

    /// <summary>What is refused, without what was written.</summary>
    private static string Refused(Microsoft.AspNetCore.Mvc.ProblemDetails problem)
    {
        if (problem.Status is not (400 or 422)) throw new InvalidOperationException($"Refused with {problem.Status}.");
        var fields = problem is HttpValidationProblemDetails invalid ? invalid.Errors.Keys : problem.Extensions.TryGetValue("errors", out var errors) && errors is IDictionary<string, string[]> by ? by.Keys : [];
        return $"{problem.Status} {string.Join(' ', fields.Select(key => new string([.. key.TakeWhile(char.IsAsciiLetter)])).Distinct().Order(StringComparer.Ordinal).Take(5))}";
    }
}
