using System.Text.Json;
using MailApi.Proof.Ledgers;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Checking;

/// <summary>All ledgers of a run, joined by recipient: each has one message alone.</summary>
public sealed record Evidence
{
    public required IReadOnlyList<Tenant> Tenants { get; init; }
    public required IReadOnlyList<Case> Cases { get; init; }
    public required IReadOnlyDictionary<int, IReadOnlyList<AnswerLine>> Answers { get; init; }
    public required IReadOnlyList<SinkLedgerLine> Sink { get; init; }
    public required IReadOnlyList<WebhookLedgerLine> Webhooks { get; init; }
    public required DatabaseLedger Database { get; init; }
    public required IReadOnlyList<Mark> Timeline { get; init; }

    public static async Task<Evidence> Gather(Stand stand, CancellationToken ct)
    {
        var database = await DatabaseLedger.Read(stand, ct);
        await using (var ledger = new Ledger<DatabaseLedger>(stand.PathOf("database"))) await ledger.AppendAsync(database);
        var intents = Ledger.Read<IntentLine>(stand.PathOf("intents")).ToList();
        var answers = Ledger.Read<AnswerLine>(stand.PathOf("answers")).GroupBy(line => line.Number)
            .ToDictionary(group => group.Key, group => (IReadOnlyList<AnswerLine>)[.. group.OrderBy(line => line.Began)]);
        var sink = SinkLedgerLine.Read(stand.PathOf("sink")).ToList();
        var webhooks = Ledger.Read<WebhookLedgerLine>(stand.PathOf("webhooks")).ToList();
        return new Evidence
        {
            Tenants = stand.Tenants,
            Cases = Join(intents, answers, sink, webhooks, database),
            Answers = answers,
            Sink = sink,
            Webhooks = webhooks,
            Database = database,
            Timeline = [.. Ledger.Read<Mark>(stand.PathOf("timeline"))],
        };
    }

    private static List<Case> Join(
        List<IntentLine> intents, Dictionary<int, IReadOnlyList<AnswerLine>> answers, List<SinkLedgerLine> sink, List<WebhookLedgerLine> webhooks, DatabaseLedger database)
    {
        var envelopes = database.Envelopes.GroupBy(row => row.Recipient).ToDictionary(group => group.Key, group => group.First());
        var events = database.Events.ToLookup(row => row.Envelope);
        var copies = sink.ToLookup(line => line.Recipient);
        var hooks = webhooks.ToLookup(EnvelopeOf);
        return [.. from intent in intents
                   from recipient in intent.Recipients
                   let envelope = envelopes.GetValueOrDefault(recipient)
                   select new Case
                   {
                       Intent = intent,
                       Recipient = recipient,
                       Answers = answers.GetValueOrDefault(intent.Number, []),
                       Envelope = envelope,
                       Events = envelope is null ? [] : [.. events[envelope.Id].OrderBy(it => it.Seq)],
                       Copies = [.. copies[recipient].OrderBy(line => line.Time)],
                       Webhooks = envelope is null ? [] : [.. hooks[$"env_{envelope.Id:N}"]],
                   }];
    }

    private static string EnvelopeOf(WebhookLedgerLine line)
    {
        using var body = JsonDocument.Parse(line.Body);
        return body.RootElement.GetProperty("data").TryGetProperty("envelope", out var envelope) ? envelope.GetString()! : "";
    }
}
