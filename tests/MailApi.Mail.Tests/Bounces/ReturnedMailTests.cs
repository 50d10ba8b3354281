using MailApi.Mail.Bounces;
using Xunit;

namespace MailApi.Mail.Tests.Bounces;

/// <summary>
/// <c>testdata/returned/NNN-name.eml</c>, and in <c>NNN-name.expected</c> what it says: its kind; of a status for each recipient the address, the action, the
/// class, hard or soft, and whether the address is suppressed; and the marks of the message that it is about. What is not listed must not be found.
/// </summary>
public sealed class ReturnedMailTests
{
    public static TheoryData<string> Cases =>
        [.. Directory.GetFiles(TestData.At("returned"), "*.eml").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Each_message_is_read_as_what_it_is(string name)
    {
        var returned = ReturnedMail.Read(await File.ReadAllBytesAsync(TestData.At($"returned/{name}.eml")));

        var expected = TestData.Rows($"returned/{name}.expected").Select(row => string.Join('\t', row));
        Assert.Equal(string.Join('\n', expected), string.Join('\n', Lines(returned)));
    }

    private static IEnumerable<string> Lines(Returned returned)
    {
        yield return "kind\t" + returned.GetType().Name.ToLowerInvariant();
        if (returned is Returned.Complaint complaint) yield return "feedback\t" + complaint.FeedbackType;
        if (returned is Returned.Status status)
            foreach (var recipient in status.Recipients) yield return "recipient\t" + Line(recipient);
        foreach (var path in returned.About.ReturnPaths) yield return "return-path\t" + path;
        if (returned.About.MessageId is { } id) yield return "message-id\t" + id;
        foreach (var link in returned.About.Unsubscribe) yield return "unsubscribe\t" + link;
        if (returned.About.FeedbackId is { } feedback) yield return "feedback-id\t" + feedback;
    }

    private static string Line(RecipientStatus it)
    {
        var isFailure = it.Action is DeliveryAction.Failed or DeliveryAction.Delayed;
        return string.Join('\t', it.FinalRecipient ?? "-", it.Action.ToString().ToLowerInvariant(), isFailure ? it.Verdict.Class.Name() : "-",
            isFailure ? it.Verdict.IsHard ? "hard" : "soft" : "-", it.Verdict.SuppressesAddress ? "suppresses" : "keeps");
    }
}
