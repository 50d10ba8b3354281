using System.Text;
using MailApi.Api;
using MailApi.Mail.Smtp.Submission;
using MailApi.Receiving;
using MailApi.Testing.Fuzzing;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>The fields by which submitted mail asks something of the service.</summary>
internal sealed class InstructionsTarget(IServiceProvider services)
{
    private static readonly Caller Caller = new() { TenantOrNone = TenantId.From(Guid.Parse("0198c0de-0000-7000-8000-000000000001")), Key = null, IsOperator = true, IsTest = false, Scopes = [], Domains = null };
    private readonly SubmissionReader reader = services.GetRequiredService<SubmissionReader>();

    public static readonly byte[][] Seeds = Texts.Octets(
        "X-MailApi-Category: marketing\r\nX-MailApi-Tag: one\r\nX-MailApi-Tag: two\r\nX-MailApi-Metadata: {\"order\":\"1001\",\"name\":\"李\"}\r\nIdempotency-Key: order-1001\r\n",
        "X-MailApi-Metadata: =?utf-8?B?eyJhIjoiYiJ9?=\r\n", "X-MailApi-Metadata: =?utf-16?B?2AA=?=\r\nX-MailApi-Tag: =?gb18030?Q?=81=30?=\r\n");

    public static readonly string[] Words = ["X-MailApi-Metadata: ", "X-MailApi-Tag: ", "X-MailApi-Category: ", "Idempotency-Key: ", "\r\n", "{\"a\":\"", "\\ud800", "\\u0000", "null", "{", "}", "[[[[", "=?utf-16?B?2AA=?=", "=?utf-16be?Q?=D8=00?=", "=?utf-7?Q?+2AA-?=", "=?utf-8?B?", "=?utf-32?B?AADYAA==?=", "?=", "support", "\u00e9"];

    public string Try(byte[] input)
    {
        byte[] message = [.. "From: a@shop.test\r\nTo: b@example.net\r\nSubject: x\r\n"u8, .. Block(input), .. "\r\nHello.\r\n"u8];
        if (!SubmittedMessage.TryRead(message, out var submitted, out var fault)) return fault.Split('\'', ':')[0];
        if (!reader.TryRead(submitted, Caller, out var instructions, out fault)) return fault.Length is > 0 and < 5000 ? fault.Split('\'', '.')[0] : throw new InvalidOperationException($"No fault to tell: {fault}");
        if (instructions.Tags.Concat(instructions.Metadata.Keys).Concat(instructions.Metadata.Values).Any(text => text is null || CannotBeStored(text))) throw new InvalidOperationException("A text that no store keeps.");
        return $"{instructions.Category} {Math.Min(3, instructions.Tags.Count)} {Math.Min(3, instructions.Metadata.Count)} {instructions.IdempotencyKey is null}";
    }

    private static bool CannotBeStored(string text) => text.Contains('\0') || Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) != text;

    /// <summary>A block of whole lines, each ended by CRLF, none of them empty.</summary>
    private static byte[] Block(byte[] input) =>
        [.. Encoding.Latin1.GetString(input).Split('\r', '\n').Where(line => line.Length > 0).SelectMany(line => Encoding.Latin1.GetBytes(line + "\r\n"))];
}
