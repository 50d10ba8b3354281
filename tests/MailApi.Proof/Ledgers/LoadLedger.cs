namespace MailApi.Proof.Ledgers;

/// <summary>What the load means to send: on disk before the first call.</summary>
public sealed record IntentLine(
    DateTimeOffset Time, int Number, int Tenant, string? Key, IReadOnlyList<string> Recipients, bool Hold, string BodySha256);

/// <summary>What a call came to.</summary>
/// <param name="Began">When it was made.</param>
/// <param name="Time">When it ended.</param>
/// <param name="Number">Of the intent.</param>
/// <param name="Status">The HTTP status; 0 where there was no answer, and nothing is known.</param>
/// <param name="Body">The answer, or why there is none.</param>
public sealed record AnswerLine(DateTimeOffset Began, DateTimeOffset Time, int Number, int Status, string Body)
{
    public bool IsAcknowledged => Status == 202;
}
