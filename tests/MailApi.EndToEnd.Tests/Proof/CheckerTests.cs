using MailApi.Proof.Checking;
using MailApi.Proof.Ledgers;
using MailApi.Proof.Loading;

namespace MailApi.EndToEnd.Tests.Proof;

/// <summary>Ledgers that agree, and each way in which they may not.</summary>
public sealed class CheckerTests
{
    private const string Hook = "/hook/0";
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid TenantId = Guid.CreateVersion7(), MessageId = Guid.CreateVersion7(), EnvelopeId = Guid.CreateVersion7();
    private static readonly Tenant Shop = new(0, $"ten_{TenantId:N}", "mail0.shop.example", "key", Hook, "whsec_" + Convert.ToBase64String(new byte[32]), 10, 10);
    private static readonly EnvelopeRow Delivered = new(EnvelopeId, MessageId, TenantId, "i0x0@ok0.test", "delivered", 1, 1, 2, false, 0);
    private static readonly EventRow[] TwoEvents =
    [
        new(Guid.CreateVersion7(), TenantId, EnvelopeId, 1, "message.accepted", "{}"), new(Guid.CreateVersion7(), TenantId, EnvelopeId, 2, "message.delivered", "{}"),
    ];

    [Fact]
    public void Ledgers_that_agree_hold()
    {
        var verdict = Check();
        Assert.Equal("", string.Join('\n', verdict.Violations));
        Assert.Equal((1, 1, 0), (verdict.Counts.Attempted, verdict.Counts.Acknowledged, verdict.Counts.Lost));
    }

    [Fact]
    public void What_was_acknowledged_and_is_not_there_is_lost()
    {
        Assert.Equal(1, Fails("I1", Check(envelope: null, events: [], copies: 0)).Counts.Lost);
        Assert.Equal(1, Fails("I1", Check(envelope: Delivered with { State = "deferred" })).Counts.Lost);
        Assert.Equal(1, Fails("I2", Check(copies: 0)).Counts.Lost);
    }

    [Fact]
    public void What_arrives_is_what_was_sent() => Fails("I2", Check(arrives: "other"));

    [Fact]
    public void What_failed_without_a_doubt_must_not_have_arrived() => Fails("I3", Check(envelope: Delivered with { State = "bounced" }, events: [TwoEvents[0], TwoEvents[1] with { Type = "message.bounced" }]));

    [Theory, InlineData(false, false, false), InlineData(true, false, false), InlineData(false, true, false), InlineData(true, true, true)]
    public void A_second_copy_is_flagged_and_has_a_cause(bool flagged, bool caused, bool holds)
    {
        var verdict = Check(Delivered with { DuplicatePossible = flagged, Attempt = 2 }, TwoEvents, copies: 2, marks: caused ? [new Mark(Start.AddSeconds(2.5), MarkKind.Disturbed, "kill -9")] : []);
        Assert.Equal(holds, !verdict.Violations.Any(violation => violation.Invariant == "I4"));
        Assert.Equal((1, holds ? 1 : 0), (verdict.Counts.Duplicated, verdict.Counts.Explained));
    }

    [Fact]
    public void Three_copies_need_two_uncertain_attempts() =>
        Fails("I4", Check(Delivered with { DuplicatePossible = true, Attempt = 2 }, TwoEvents, copies: 3, marks: [new Mark(Start.AddSeconds(2.5), MarkKind.Disturbed, "kill -9"), new Mark(Start.AddSeconds(3.5), MarkKind.Disturbed, "kill -9")]));

    [Fact]
    public void Nothing_arrives_that_nobody_sent() => Fails("I5", Check(more: evidence => evidence with { Sink = [Copy(0) with { Recipient = "other@ok0.test" }] }));

    [Fact]
    public void Nobodys_mail_leaves_under_anothers_name() => Fails("I5", Check(from: "b+1@bounces.mail1.shop.example"));

    [Fact]
    public void A_key_has_one_message() => Fails("I6", Check(more: evidence => evidence with { Database = evidence.Database with { Messages = [.. evidence.Database.Messages, .. evidence.Database.Messages] } }));

    [Fact]
    public void Events_have_no_gap_and_one_end()
    {
        Fails("I7", Check(envelope: Delivered with { Seq = 3 }, events: [TwoEvents[0], TwoEvents[1] with { Seq = 3 }]));
        Fails("I7", Check(envelope: Delivered with { Seq = 3 }, events: [.. TwoEvents, TwoEvents[1] with { Seq = 3, Id = Guid.CreateVersion7() }]));
    }

    [Fact]
    public void Every_event_is_told_in_the_same_words_and_only_what_happened()
    {
        Fails("I8", Check(more: evidence => evidence with { Webhooks = [] }));
        Fails("I8", Check(more: evidence => evidence with { Webhooks = [.. evidence.Webhooks, evidence.Webhooks[0] with { Body = "{\"data\":{}}" }] }));
        Fails("I8", Check(more: evidence => evidence with { Webhooks = [.. evidence.Webhooks, evidence.Webhooks[0] with { Id = "evt_other" }] }));
        Fails("I8", Check(more: evidence => evidence with { Tenants = [Shop with { HookSecret = "whsec_" + Convert.ToBase64String([1]) }] }));
    }

    [Fact]
    public void A_domain_keeps_its_rate()
    {
        Assert.True(Check(more: evidence => evidence with { Cases = [evidence.Cases[0] with { Copies = Burst(60) }] }).Violations.All(violation => violation.Invariant != "I9"));
        Fails("I9", Check(more: evidence => evidence with { Cases = [evidence.Cases[0] with { Copies = Burst(61) }] }));
    }

    [Fact]
    public void What_a_receiver_takes_that_takes_everything_is_delivered_or_was_held()
    {
        var flagged = Delivered with { State = "unknown", DuplicatePossible = true };
        EventRow[] events = [TwoEvents[0], TwoEvents[1] with { Type = "message.unknown" }];
        Fails("I1", Check(flagged, events));
        Func<Evidence, Evidence> held = evidence => evidence with { Cases = [evidence.Cases[0] with { Intent = evidence.Cases[0].Intent with { Hold = true } }] };
        Assert.Empty(Check(flagged, events, more: held).Violations);
        Fails("I1", Check(flagged with { DuplicatePossible = false }, events, copies: 0, more: held));
    }

    [Theory, InlineData(2, false), InlineData(3, true)]
    public void What_is_given_up_has_killed_three_processes(int deaths, bool holds)
    {
        EventRow[] events = [TwoEvents[0], TwoEvents[1] with { Type = "message.failed" }];
        var verdict = Check(Delivered with { State = "failed", DuplicatePossible = true, Crashes = deaths }, events, expectations: new Expectations { MayEnd = ["failed"] });
        Assert.Equal(holds, verdict.Violations.All(violation => violation.Invariant != "I1"));
    }

    [Fact]
    public void What_is_held_has_one_copy() => Fails("I4", Check(Delivered with { DuplicatePossible = true, Attempt = 2 }, TwoEvents, copies: 2, marks: [new Mark(Start.AddSeconds(2.5), MarkKind.Disturbed, "kill -9")],
        more: evidence => evidence with { Cases = [evidence.Cases[0] with { Intent = evidence.Cases[0].Intent with { Hold = true } }] }));

    [Fact]
    public void Whoever_repeats_a_call_gets_the_same_answer() => Fails("I6", Check(more: evidence => evidence with
    {
        Cases = [evidence.Cases[0] with { Answers = [.. evidence.Cases[0].Answers, evidence.Cases[0].Answers[0] with { Body = "{\"id\":\"other\"}" }] }],
    }));

    [Theory, InlineData(9, true), InlineData(4, false)]
    public void Mail_moves_as_before_once_the_fault_has_ended(int perSecond, bool recovers)
    {
        Mark[] marks = [new(Start.AddSeconds(20), MarkKind.FaultBegan, "fault"), new(Start.AddSeconds(30), MarkKind.FaultEnded, "fault")];
        var verdict = Check(Delivered, TwoEvents, more: evidence => evidence with
        {
            Tenants = [Shop with { PerSecond = 10_000 }],
            Timeline = marks,
            // Ten are asked for in each of fifty seconds.
            Cases = [.. from number in Enumerable.Range(0, 500)
                        let time = Start.AddSeconds(number / 10d)
                        select evidence.Cases[0] with { Intent = evidence.Cases[0].Intent with { Time = time }, Copies = number < 200 || (number >= 300 && number % 10 < perSecond) ? [Copy(0) with { Time = time }] : [] }],
        }, expectations: new Expectations { RateRecovers = true, WebhooksArrive = false });
        Assert.Equal(recovers, verdict.Violations.All(violation => violation.Invariant != "I11"));
    }

    [Theory, InlineData(503, false), InlineData(202, true)]
    public void Every_call_is_accepted_while_the_broker_or_the_counters_are_away(int status, bool holds)
    {
        var verdict = Check(Delivered, TwoEvents, marks: [new Mark(Start.AddSeconds(-1), MarkKind.FaultBegan, "fault"), new Mark(Start.AddSeconds(5), MarkKind.FaultEnded, "fault")], more: evidence => evidence with
        {
            Cases = [evidence.Cases[0] with { Answers = [evidence.Cases[0].Answers[0] with { Status = status }] }],
        }, expectations: new Expectations { EveryAcceptSucceeds = true });
        Assert.Equal(holds, verdict.Violations.All(violation => violation.Invariant != "I12"));
    }

    private static Verdict Fails(string invariant, Verdict verdict)
    {
        Assert.Contains(verdict.Violations, violation => violation.Invariant == invariant);
        return verdict;
    }

    private static Verdict Check() => Check(Delivered, TwoEvents);

    private static Verdict Check(
        EnvelopeRow? envelope, IReadOnlyList<EventRow> events, int copies = 1, string arrives = "body", string from = "b+1@bounces.mail0.shop.example",
        IReadOnlyList<Mark>? marks = null, Func<Evidence, Evidence>? more = null, Expectations? expectations = null)
    {
        var sink = Enumerable.Range(0, copies).Select(index => Copy(index) with { BodySha256 = Hash(arrives), MailFrom = from }).ToList();
        var webhooks = events.Select(Told).ToList();
        AnswerLine[] answers = [new(Start, Start.AddSeconds(1), 0, 202, "{}")];
        var evidence = new Evidence
        {
            Tenants = [Shop],
            Cases =
            [
                new Case
                {
                    Intent = new IntentLine(Start, 0, 0, "key-0", [Delivered.Recipient], false, Hash("body")),
                    Recipient = Delivered.Recipient,
                    Answers = answers,
                    Envelope = envelope,
                    Events = events,
                    Copies = sink,
                    Webhooks = webhooks,
                },
            ],
            Answers = new Dictionary<int, IReadOnlyList<AnswerLine>> { [0] = answers },
            Sink = sink,
            Webhooks = webhooks,
            Database = new DatabaseLedger([new MessageRow(MessageId, TenantId, "Intent 0", Hash("body"))], envelope is null ? [] : [envelope], events, []),
            Timeline = marks ?? [],
        };
        return Checker.Check(more?.Invoke(evidence) ?? evidence, expectations ?? new Expectations { CausesAreMarked = true });
    }

    private static Verdict Check(EnvelopeRow envelope) => Check(envelope, TwoEvents);

    private static Verdict Check(int copies) => Check(Delivered, TwoEvents, copies);

    private static Verdict Check(string? arrives = null, string? from = null) => Check(Delivered, TwoEvents, arrives: arrives ?? "body", from: from ?? "b+1@bounces.mail0.shop.example");

    private static Verdict Check(Func<Evidence, Evidence> more) => Check(Delivered, TwoEvents, more: more);

    private static string Hash(string text) => text.PadLeft(64, '0');

    private static SinkLedgerLine Copy(int index) => new(Start.AddSeconds(2 + index), "<1@mail0.shop.example>", Delivered.Recipient, "b+1@bounces.mail0.shop.example", Hash("body"), 100);

    private static List<SinkLedgerLine> Burst(int count) => [.. Enumerable.Range(0, count).Select(_ => Copy(0))];

    private static WebhookLedgerLine Told(EventRow row)
    {
        var (id, body, timestamp) = ($"evt_{row.Id:N}", $$$"""{"data":{"envelope":"env_{{{EnvelopeId:N}}}"}}""", $"{Start.ToUnixTimeSeconds()}");
        return new WebhookLedgerLine(Start, Hook, id, timestamp, StandardWebhooks.Sign(id, timestamp, System.Text.Encoding.UTF8.GetBytes(body), Shop.HookSecret), body, 204);
    }
}
