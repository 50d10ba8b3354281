using System.Text;
using MailApi.Proof.Ledgers;
using MailApi.Testing;

namespace MailApi.Proof.Checking;

/// <summary>One recipient of one intended message, and what each ledger says of it.</summary>
public sealed record Case
{
    public required IntentLine Intent { get; init; }
    public required string Recipient { get; init; }
    public required IReadOnlyList<AnswerLine> Answers { get; init; }
    public required EnvelopeRow? Envelope { get; init; }

    /// <summary>In the order of <see cref="EventRow.Seq"/>.</summary>
    public required IReadOnlyList<EventRow> Events { get; init; }

    /// <summary>In the order of arrival.</summary>
    public required IReadOnlyList<SinkLedgerLine> Copies { get; init; }
    public required IReadOnlyList<WebhookLedgerLine> Webhooks { get; init; }

    public bool IsAcknowledged => Answers.Any(answer => answer.IsAcknowledged);

    /// <summary>It goes to a receiver that takes everything.</summary>
    public bool IsOrdinary => Recipient.Contains("@ok", StringComparison.Ordinal);

    /// <summary>What its receiver makes of it, at last: all others take it the second time, if not the first.</summary>
    public string MustEnd => Recipient.Contains("@refuse", StringComparison.Ordinal) ? "bounced" : "delivered";

    /// <summary>Attempts that may have left a copy without anyone knowing: those that ended unheard of, and those that ended after the dot without a reply.</summary>
    public int UncertainAttempts => Envelope is not { DuplicatePossible: true } envelope ? 0
        : envelope.Attempt - envelope.Tries + Events.Count(it => it.Data.Contains("final dot", StringComparison.Ordinal));

    /// <summary>What the four ledgers say of it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine($"  recipient {Recipient} of intent {Intent.Number}, tenant {Intent.Tenant}, key {Intent.Key ?? "none"}, hold {Intent.Hold}");
        text.AppendLine($"  load:     meant at {Intent.Time:HH:mm:ss.fff}");
        foreach (var answer in Answers) text.AppendLine($"            called {answer.Began:HH:mm:ss.fff}, {answer.Time:HH:mm:ss.fff} → {answer.Status} {Head(answer.Body)}");
        text.AppendLine($"  database: {Envelope?.ToString() ?? "no envelope"}");
        foreach (var it in Events) text.AppendLine($"            {it.Seq} {it.Type} evt_{it.Id:N} {Head(it.Data)}");
        text.AppendLine($"  sink:     {Copies.Count} copies");
        foreach (var copy in Copies) text.AppendLine($"            {copy.Time:HH:mm:ss.fff} {copy.MessageId} from {copy.MailFrom}, {copy.SizeBytes} octets, body {copy.BodySha256[..12]}");
        text.AppendLine($"  webhooks: {Webhooks.Count} requests");
        foreach (var hook in Webhooks) text.AppendLine($"            {hook.Time:HH:mm:ss.fff} {hook.Id} → {hook.Status}");
        return text.ToString();
    }

    private static string Head(string text) => text.Length <= 300 ? text : text[..300] + "…";
}
