namespace MailApi.Testing;

/// <summary>What the sink has kept for one recipient: on disk before the sender hears 250.</summary>
public sealed record SinkLedgerLine(DateTimeOffset Time, string MessageId, string Recipient, string MailFrom, string BodySha256, int SizeBytes)
{
    internal static SinkLedgerLine Of(SinkMessage message) =>
        new(message.Time, message.MessageId, message.Recipient, message.MailFrom, message.BodySha256, message.SizeBytes);

    /// <summary>Reads a ledger; a last line that was cut off by a crash is left out.</summary>
    public static IEnumerable<SinkLedgerLine> Read(string path) => Ledger.Read<SinkLedgerLine>(path);
}
