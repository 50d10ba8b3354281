using System.Text.Json;
using MailApi.Api;
using MailApi.Sandbox;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>Messages of the sandbox as people see them: whatever the octets are, there is something to show, and it is JSON.</summary>
internal static class SandboxTarget
{
    private static readonly Guid Id = Guid.Parse("0198c0de-0000-7000-8000-000000000001");
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 6, 0, 0, TimeSpan.Zero);

    public static readonly byte[][] Seeds = Texts.Octets(
        "From: Example Shop <orders@shop.test>\r\nTo: =?utf-8?B?5p2O5a6J?= <ann@example.net>\r\nCc: b@example.net\r\nSubject: =?utf-8?Q?=E8=AE=A2=E5=8D=95?=\r\nDate: Mon, 30 Nov 2026 06:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n",
        "Subject: no author\r\n\r\n", "\r\nno header", "From: a@b.test\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@d.test\r\n\r\nx\r\n", "From a mailbox\r\n\r\n", "");

    public static readonly string[] Words =
    [
        "From: ", "To: ", "Date: ", "Subject: ", "\r\n", "\r\n\r\n", "\r\n ", "=?utf-8?B?", "=?gb18030?Q?", "?=", "Content-Type: multipart/alternative; boundary=b\r\n", "--b\r\n", "--b--", "Content-Type: message/rfc822\r\n", "Content-Type: message/partial\r\n", "Content-Type: text/html; charset=utf-16\r\n",
        "Content-Disposition: attachment; filename*0*=utf-8''%00\r\n", "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: x-uuencode\r\n", "Content-Transfer-Encoding: binary\r\n", "group: a@b.test;", "<@x.test:a@b.test>", "\"", "(", "\0", "\uD83D\uDE00",
    ];

    public static string Try(byte[] input)
    {
        var row = new SandboxRow(new SandboxMessageId(Id), MessageId.From(Id), EnvelopeId.From(Id), "bounce@bounces.shop.test", "ann@example.net", Now, input.Length, input);
        var shown = SandboxReader.Message(row, []);
        using var json = JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(shown, SandboxJson.Default.SandboxMessage));
        // The list reads the first octets alone.
        var listed = SandboxReader.Summary(row with { Octets = input[..(input.Length / 2)] });
        _ = JsonSerializer.SerializeToUtf8Bytes(new Page<SandboxSummary>([listed], null), SandboxJson.Default.PageSandboxSummary);
        return $"{Math.Min(8, shown.Headers.Count)} {shown.Text is null} {shown.Html is null} {Math.Min(3, shown.Attachments.Count)} {shown.Date is null} {shown.From.Length > 0} {Math.Min(3, shown.To.Count)} {listed.Subject.Length > 0}";
    }
}
