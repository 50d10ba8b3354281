using System.Text.Json;
using MailApi.Mail.Composition;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using Xunit;
using static MailApi.Mail.Tests.Composition.Drafts;

namespace MailApi.Mail.Tests.Preflight;

/// <summary>A thousand mails of a shop in five languages, as the service composes them: no false alarm in any of them.</summary>
public sealed class OrderTests(Preflighting shop) : IClassFixture<Preflighting>
{
    private static readonly PreflightFacts Facts = Preflighting.Facts with { OrganizationalDomain = "demo.example" };

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Orders_come_out_clean()
    {
        var found = new List<string>();
        foreach (var line in Repository.Orders())
        {
            using var order = JsonDocument.Parse(line);
            var draft = DraftOf(order.RootElement);
            var checks = await shop.Run(Composer.Compose(draft), Facts);
            found.AddRange(checks.Where(check => check.Result != CheckResult.Pass && !IsTrue(check, draft)).Select(check => $"{draft.MessageId} {check.Name}: {check.Reason}"));
        }
        Assert.True(found.Count == 0, string.Join('\n', found.Take(20)));
    }

    /// <summary>A few of them are long or lack a version on purpose.</summary>
    private static bool IsTrue(Check check, Draft draft) => check.Name switch
    {
        "subject" => draft.Subject.Length > 75,
        "textAlternative" => draft.Text is null,
        // Of the help desk, without the In-Reply-To that would make them answers.
        "subjectReply" => check.Result == CheckResult.Warn && draft.Subject.Contains(':', StringComparison.Ordinal),
        _ => false,
    };

    private static Draft DraftOf(JsonElement order) => Plain with
    {
        MessageId = $"{order.GetProperty("metadata").GetProperty("order").GetString()}@mail.demo.example",
        Date = Preflighting.Now,
        From = Read(order.GetProperty("from").GetString()!),
        To = Mailboxes(order, "to"),
        Cc = Mailboxes(order, "cc"),
        ReplyTo = Mailboxes(order, "replyTo"),
        Subject = order.GetProperty("subject").GetString()!,
        Text = Text(order, "text"),
        Html = Text(order, "html"),
        Attachments = [.. List(order, "attachments").Select(file => new Attachment(
            file.GetProperty("filename").GetString()!, file.GetProperty("contentType").GetString()!, file.GetProperty("content").GetBytesFromBase64(), Text(file, "contentId")))],
    };

    private static IReadOnlyList<Mailbox> Mailboxes(JsonElement order, string name) => [.. List(order, name).Select(text => Read(text.GetString()!))];

    private static JsonElement.ArrayEnumerator List(JsonElement order, string name) => order.TryGetProperty(name, out var list) ? list.EnumerateArray() : default;

    private static string? Text(JsonElement order, string name) => order.TryGetProperty(name, out var text) ? text.GetString() : null;
}
