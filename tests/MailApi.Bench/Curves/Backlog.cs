using System.Globalization;
using System.Text;
using MailApi.Api;
using MailApi.Spool;
using MailApi.Statistics;
using MailApi.Storage;
using MassTransit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Bench;

/// <summary>Messages that wait in the store: accepted by the program's own code while it does not run, held back by a suspension of their category.</summary>
internal static class Backlog
{
    /// <summary>Of a message: disk is not what is measured.</summary>
    private const int ContentBytes = 1024;

    /// <summary>Accepts at a time, which is what makes the batches.</summary>
    private const int Concurrent = 256;

    public static async Task Write(Db db, IReadOnlyList<Inhabitant> senders, IReadOnlyList<string> sites, int count)
    {
        var suspensions = new Suspensions(db);
        await suspensions.Add(SuspensionKind.Category, Category.Notification.ToText(), CancellationToken.None);
        var bus = MassTransit.Bus.Factory.CreateUsingInMemory(_ => { });
        using var ringer = new Ringer(db, bus, category => new Uri("queue:" + Doorbell.QueueName(category)), TimeProvider.System, NullLogger<Ringer>.Instance);
        await using var acceptor = new Acceptor(db, new Window(TimeProvider.System), suspensions, ringer, new RecentMessages(0));
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, Concurrent).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var number && number <= count)
            {
                var message = Message(senders[number % senders.Count], string.Create(CultureInfo.InvariantCulture, $"wait{number}"), sites[number % sites.Count]);
                if (await acceptor.Accept(message) is not AcceptResult.Committed) throw new InvalidOperationException("It was not committed.");
            }
        })));
        // A program that ran meanwhile would have counted them; one that starts now would do so while it is measured.
        var tally = new EventTally(db);
        while (await tally.Round(CancellationToken.None)) { }
    }

    private static Acceptance Message(Inhabitant sender, string recipient, string site)
    {
        var id = PrefixedId.New<MessageId>();
        var from = $"Example Shop <orders@{sender.Sender.Domain}>";
        var head = $"From: {from}\r\nTo: {recipient}@{site}\r\nSubject: Order\r\nDate: {TimeProvider.System.GetUtcNow():r}\r\nMessage-ID: <{id}@{sender.Sender.Domain}>\r\nMIME-Version: 1.0\r\n\r\n";
        return new Acceptance
        {
            Id = id,
            Tenant = sender.Tenant,
            DomainId = sender.DomainId,
            Domain = sender.Sender.Domain,
            Category = Category.Notification,
            Test = false,
            Sender = from,
            Subject = "Order",
            Tags = [],
            Metadata = new Dictionary<string, string>(),
            OnUncertain = OnUncertain.Retry,
            Content = Encoding.ASCII.GetBytes(head + string.Concat(Enumerable.Repeat("Your parcel is on its way to you, as it was.\r\n", (ContentBytes - head.Length) / 46))),
            Envelopes = [new AcceptedEnvelope(PrefixedId.New<EnvelopeId>(), $"{recipient}@{site}", site, NeedsSmtpUtf8: false)],
            SendAt = null,
            Lifetime = TimeSpan.FromHours(24),
            Idempotency = null,
            Response = "{}",
        };
    }
}
