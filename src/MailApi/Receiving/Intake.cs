using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Events;
using MailApi.Mail.Bounces;
using MailApi.Mail.Composition;
using MailApi.Reports;
using MailApi.Sending;
using MailApi.Spool;
using MailApi.Suppressions;

namespace MailApi.Receiving;

/// <summary>What a message that came back was taken for.</summary>
[JsonConverter(typeof(LowerCaseEnumConverter<ReturnedKind>))]
public enum ReturnedKind
{
    /// <summary>A report on its delivery (RFC 3464), or a bounce in a form of its own.</summary>
    Status,

    /// <summary>A feedback report (RFC 5965).</summary>
    Complaint,

    /// <summary>An answer that no person wrote (RFC 3834).</summary>
    AutoReply,

    /// <summary>Somebody unsubscribed by mail (RFC 2369).</summary>
    Unsubscribe,

    /// <summary>A DMARC or TLS report (RFC 9990, RFC 8460).</summary>
    Report,

    /// <summary>Nothing that is understood.</summary>
    Other,
}

/// <summary>What was made of a message that came back.</summary>
/// <param name="Kind">What it was taken for.</param>
/// <param name="Envelope">What it answers, where that is known.</param>
/// <param name="Effect">What it changed.</param>
/// <param name="Verdict">Of a failed delivery.</param>
internal sealed record Taken(ReturnedKind Kind, EnvelopeId? Envelope, ReturnEffect Effect, BounceVerdict? Verdict = null);

/// <summary>
/// Takes a message that came back, by whichever way: reads it, ties it to the envelope that it answers, and has the consequence recorded. A tag or token with our MAC
/// ties at once; what names only the message ties where that has a single recipient: its feedback id, which has our MAC, and its Message-ID, which others may have
/// seen, where strangers bring nothing.
/// </summary>
internal sealed class Intake(Returns returns, Addressees addressees, UnsubscribeToken tokens, UnsubscribeLinks links, FeedbackLoops feedbackLoops, ReportIntake reports, TimeProvider time) : IDisposable
{
    /// <summary>A local bounce can be back before the delivery is recorded; that takes no longer than this while the store answers.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Messages that are read at once: strangers bring them, and the other half of the processors answers HTTP.</summary>
    private static readonly int ReadersMax = Math.Max(1, Environment.ProcessorCount / 2);

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);
    private static readonly Counter<long> Count = new Meter("MailApi").CreateCounter<long>("mailapi.returned", description: "Messages that came back, by kind and by what they changed.");

    private readonly SemaphoreSlim readers = new(ReadersMax, ReadersMax);

    public void Dispose() => readers.Dispose();

    /// <inheritdoc cref="Take(ReturnedMessage, Addressee?, Scope, bool, CancellationToken)"/>
    public Task<Taken> Take(ReadOnlyMemory<byte> message, Addressee? to, Scope of, bool fromAnyone, CancellationToken ct) => Take(new ReturnedMessage(message), to, of, fromAnyone, ct);

    /// <summary>Records what a message says, once.</summary>
    /// <param name="message">The same for each of its recipients, so that it is read once.</param>
    /// <param name="to">The address of ours that it was sent to; null where that is not known.</param>
    /// <param name="fromAnyone">Port 25 brings it: neither a caller with a key nor a mailbox that the tenant named.</param>
    /// <param name="of">What the envelope must be of.</param>
    /// <param name="ct">Ends the wait, not a record under way.</param>
    /// <exception cref="System.Data.Common.DbException">The store is away; nothing is recorded.</exception>
    public async Task<Taken> Take(ReturnedMessage message, Addressee? to, Scope of, bool fromAnyone, CancellationToken ct)
    {
        var taken = to switch
        {
            Addressee.Unsubscribe { Mail: var mail } => new Taken(ReturnedKind.Unsubscribe, mail.Envelope, await links.Unsubscribe(mail, ct) ? ReturnEffect.Recorded : ReturnEffect.Nothing),
            Addressee.Reports { Domain.Id: var domain } => await Report(domain, message.Octets, ct),
            // A bounce counts at the return path that it proves.
            Addressee.Feedback => await message.ReadComplaint(readers, ct) is Returned.Complaint complaint ? await Complaint(complaint, proven: null, of, fromAnyone, ct) : new Taken(ReturnedKind.Other, null, ReturnEffect.Nothing),
            _ => await Answer(await message.Read(readers, ct), (to as Addressee.ReturnPath)?.Envelope, of, fromAnyone, ct),
        };
        // Into a mailbox of the domain's own everything may come.
        if (taken.Kind == ReturnedKind.Other && to is null && of.Domain is { } own) taken = await Report(own, message.Octets, ct);
        Count.Add(1, new("kind", taken.Kind.ToText()), new("effect", taken.Effect.ToText()));
        return taken;
    }

    private async Task<Taken> Report(DomainId domain, ReadOnlyMemory<byte> message, CancellationToken ct) => await reports.Take(domain, message, ct) switch
    {
        ReportTaking.Stored => new Taken(ReturnedKind.Report, null, ReturnEffect.Recorded),
        ReportTaking.Duplicate => new Taken(ReturnedKind.Report, null, ReturnEffect.Nothing),
        ReportTaking.NotForDomain => new Taken(ReturnedKind.Report, null, ReturnEffect.Unknown),
        ReportTaking.TooMany => new Taken(ReturnedKind.Report, null, ReturnEffect.TooMany),
        _ => new Taken(ReturnedKind.Other, null, ReturnEffect.Nothing),
    };

    private async Task<Taken> Answer(Returned returned, EnvelopeId? proven, Scope of, bool fromAnyone, CancellationToken ct) => returned switch
    {
        Returned.Status status => await Status(status, proven, of, fromAnyone, ct),
        Returned.Complaint complaint => await Complaint(complaint, proven, of, fromAnyone, ct),
        Returned.AutoReply => await Inconsequential(ReturnedKind.AutoReply, proven, of, ct),
        _ => await Inconsequential(ReturnedKind.Other, proven, of, ct),
    };

    /// <summary>Even what changes nothing tells nobody of an envelope that is not theirs.</summary>
    private async Task<Taken> Inconsequential(ReturnedKind kind, EnvelopeId? envelope, Scope of, CancellationToken ct) =>
        new(kind, envelope, envelope is { } about && await returns.RecipientOf(about, of, ct) is null ? ReturnEffect.Unknown : ReturnEffect.Nothing);

    private async Task<Taken> Status(Returned.Status status, EnvelopeId? proven, Scope of, bool fromAnyone, CancellationToken ct)
    {
        var envelope = await Tie(status.About, proven, of, fromAnyone, ct);
        var recipients = envelope is null ? status.Recipients : await Named(status.Recipients, envelope.Value, of, ct);
        var failed = recipients.FirstOrDefault(recipient => recipient.Action == DeliveryAction.Failed);
        if (envelope is null) return new Taken(ReturnedKind.Status, null, ReturnEffect.Unknown, failed?.Verdict);
        // Delays and successes are of no consequence: who took the mail goes on trying.
        if (failed is null) return await Inconsequential(ReturnedKind.Status, envelope, of, ct);
        var reply = new EventReply(failed.Reply.Code, failed.Reply.Enhanced, failed.Reply.Text, failed.RemoteHost);
        return new Taken(ReturnedKind.Status, envelope, await Record(new Return.Bounce(envelope.Value, reply, failed.Verdict) { Of = Narrowed(of, status.About) }, ct), failed.Verdict);
    }

    /// <summary>An envelope has one recipient, and a report may tell of others as well: what names it, else all, since who forwards or hides the recipient names another or none.</summary>
    private async Task<IReadOnlyList<RecipientStatus>> Named(IReadOnlyList<RecipientStatus> recipients, EnvelopeId envelope, Scope of, CancellationToken ct)
    {
        if (recipients.Count == 1 || await returns.RecipientOf(envelope, of, ct) is not { } address) return recipients;
        var named = recipients.Where(recipient => IsSame(recipient.OriginalRecipient, address) || IsSame(recipient.FinalRecipient, address)).ToList();
        return named.Count > 0 ? named : recipients;
    }

    /// <summary>Receivers fold the case of local parts, and write domains in either form.</summary>
    private static bool IsSame(string? reported, string address) =>
        string.Equals(EmailAddress.TryParse(reported, out var parsed) ? parsed.ToString() : reported, address, StringComparison.OrdinalIgnoreCase);

    private async Task<Taken> Complaint(Returned.Complaint complaint, EnvelopeId? proven, Scope of, bool fromAnyone, CancellationToken ct)
    {
        if (await Tie(complaint.About, proven, of, fromAnyone, ct) is not { } envelope) return new Taken(ReturnedKind.Complaint, null, ReturnEffect.Unknown);
        // RFC 5965 §7.3, RFC 6591: "not-spam" takes nothing back that we know of, "auth-failure" is no word of the recipient's. "opt-out" was one before the RFC.
        if (complaint.FeedbackType is not ("abuse" or "fraud" or "virus" or "opt-out" or "opt-out-list" or "other")) return await Inconsequential(ReturnedKind.Complaint, envelope, of, ct);
        return new Taken(ReturnedKind.Complaint, envelope, await Record(new Return.Complaint(envelope, complaint.FeedbackType) { Of = Narrowed(of, complaint.About) }, ct));
    }

    private async Task<EnvelopeId?> Tie(About about, EnvelopeId? proven, Scope of, bool fromAnyone, CancellationToken ct)
    {
        if (proven is not null) return proven;
        foreach (var address in about.ReturnPaths)
            if (addressees.TryReadReturnPath(address.Split('@')[0], out var envelope)) return envelope;
        foreach (var address in about.Unsubscribe)
            if (tokens.TryRead(address[(address.LastIndexOf('/') + 1)..], out var linked) || tokens.TryReadMailbox(address.Split(':')[^1].Split('@')[0], out linked)) return linked;
        return TryReadFeedback(about, out var message) || (!fromAnyone && TryReadMessage(about, out message)) ? await returns.OnlyEnvelopeOf(message.Value, of, ct) : null;
    }

    /// <summary>What an answer holds must be the envelope's own message, as far as it names one of ours.</summary>
    private Scope Narrowed(Scope of, About about)
    {
        TryReadMessage(about, out var message);
        TryReadFeedback(about, out var feedbackOf);
        return of with { Message = message, FeedbackOf = feedbackOf };
    }

    /// <summary>The message whose feedback id it quotes, if that is ours.</summary>
    private bool TryReadFeedback(About about, [NotNullWhen(true)] out MessageId? message)
    {
        message = about.FeedbackId is { } id && feedbackLoops.TryRead(id, out var named) ? named : null;
        return message is not null;
    }

    /// <summary>Our Message-IDs are the message's id, without a prefix, at the sending domain.</summary>
    private static bool TryReadMessage(About about, [NotNullWhen(true)] out MessageId? message)
    {
        message = Guid.TryParseExact(about.MessageId?.Split('@')[0], "N", out var id) ? new MessageId(id) : null;
        return message is not null;
    }

    private async Task<ReturnEffect> Record(Return what, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var effect = await returns.Record(what, ct);
            if (effect != ReturnEffect.TooEarly || time.GetElapsedTime(started) > Patience) return effect;
            await Task.Delay(Between, time, ct);
        }
    }
}
