using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Mailboxes;
using MailApi.Receiving;
using MailApi.Spool;

namespace MailApi.Mailboxes;

/// <summary>
/// Reads one mailbox as long as it is this process's: every message is handed to <see cref="Intake"/>, and marked once what it says is committed. A message that was
/// taken and not marked, because the process or the connection ended in between, is taken again and has no second effect.
/// </summary>
internal sealed partial class MailboxReader(MailboxStore store, MailboxAccess access, MailboxLeases leases, HeaderAddressee addressee, Intake intake, TimeProvider time, ILogger<MailboxReader> log) : IDisposable
{
    /// <summary>Where a session cannot tell that something has come.</summary>
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(30);

    /// <summary>What has to be looked at again: mail that was answered before its delivery was recorded.</summary>
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(5);

    /// <summary>As long as the session thinks right.</summary>
    private static readonly TimeSpan SessionsOwn = TimeSpan.MaxValue;

    /// <summary>Reports of which the day has too many: they cost as much to fetch as the others, and the day is long.</summary>
    private static readonly TimeSpan PutOffFor = TimeSpan.FromHours(1);

    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(5);

    /// <summary>Of one session; POP3 removes messages only when it ends.</summary>
    private const int RoundMax = 500;

    /// <summary>Left or kept in one mailbox, some 10 MB of memory: somebody is to look there.</summary>
    private const int RememberedMax = 100_000;

    /// <summary>Larger ones wait for one of a few places, so that many mailboxes at once cost bounded memory.</summary>
    private const int LargeBytes = 256 * 1024;
    private readonly SemaphoreSlim largePlaces = new(4, 4);

    /// <summary>How long one waits for such a place; then the others of its mailbox come first.</summary>
    private static readonly TimeSpan PlacePatience = TimeSpan.FromSeconds(10);

    /// <summary>Sessions that may break at one message before it is left.</summary>
    private const int BreaksMax = 3;

    /// <summary>Until <paramref name="ct"/> ends or the mailbox is gone; errors are told and tried again after 1 s to 5 min.</summary>
    public async Task Run(DomainId domain, CancellationToken ct)
    {
        var pause = PauseMin;
        var place = new Place(time);
        while (!ct.IsCancellationRequested)
        {
            var wait = PollEvery;
            try
            {
                if (await store.Find(domain, ct) is not { } mailbox) return;
                if (await Session(mailbox, place, () => pause = PauseMin, ct)) wait = TimeSpan.Zero;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                place.Break();
                await Tell(domain, e, isFirst: pause == PauseMin);
                (wait, pause) = (pause, pause * 2 < PauseMax ? pause * 2 : PauseMax);
            }
            await Task.Delay(wait, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => largePlaces.Dispose();

    /// <summary>Until the session is over; true when there is more to do at once.</summary>
    private async Task<bool> Session(Mailbox mailbox, Place place, Action wentWell, CancellationToken ct)
    {
        await using var session = await access.Open(mailbox, ct);
        var remembered = await leases.Remembered(mailbox.Domain, ct);
        var isNew = true;
        while (true)
        {
            var (isMore, isAgain) = await Round(session, mailbox, place, remembered, ct);
            if (isNew) await leases.NoteConnected(mailbox, ct);
            isNew = false;
            wentWell();
            if (!await session.Wait(isMore ? TimeSpan.Zero : isAgain ? AgainAfter : SessionsOwn, ct)) return isMore;
        }
    }

    private async Task<(bool IsMore, bool IsAgain)> Round(IMailbox session, Mailbox mailbox, Place place, HashSet<string> remembered, CancellationToken ct)
    {
        var listed = await session.List(ct);
        await ForgetGone(mailbox, listed, remembered, ct);
        var fresh = listed.Where(message => !remembered.Contains(message.Key) && !place.IsPutOff(message.Key)).ToList();
        var isAgain = false;
        foreach (var message in fresh.Take(RoundMax))
        {
            if (remembered.Count >= RememberedMax)
                throw new MailboxException($"More than {RememberedMax} messages stay in the mailbox that answer nothing or were kept: look through them and move or remove them.");
            isAgain |= !await Read(session, mailbox, place, message, remembered, ct);
            place.Leave();
        }
        return (fresh.Count > RoundMax, isAgain);
    }

    /// <summary>So that what is remembered is never more than what is there.</summary>
    private async Task ForgetGone(Mailbox mailbox, IReadOnlyList<StoredMessage> listed, HashSet<string> remembered, CancellationToken ct)
    {
        if (remembered.Count == 0) return;
        var there = listed.Select(message => message.Key).ToHashSet();
        var gone = remembered.Where(key => !there.Contains(key)).ToList();
        if (gone.Count == 0) return;
        await leases.Forget(mailbox.Domain, gone, ct);
        remembered.ExceptWith(gone);
    }

    /// <summary>False when the message must be looked at again.</summary>
    private async Task<bool> Read(IMailbox session, Mailbox mailbox, Place place, StoredMessage message, HashSet<string> remembered, CancellationToken ct)
    {
        if (place.Breaks >= BreaksMax && place.Key == message.Key)
        {
            // What no session gets past must not keep the others from being read.
            LogUnfetchable(mailbox.Domain, message.Key);
            place.Leave();
            await Remember(mailbox, message, remembered, isTaken: false, ct);
            return true;
        }
        place.Reach(message.Key);
        if (await session.Size(message, ct) is not { } size) return true;
        if (size > MailboxSession.MessageBytesMax)
        {
            LogTooLarge(mailbox.Domain, size);
            await Leave(session, mailbox, message, remembered, ct);
            return true;
        }
        var isLarge = size > LargeBytes;
        if (isLarge && !await largePlaces.WaitAsync(PlacePatience, ct)) return false;
        try
        {
            if (await session.Fetch(message, isLarge ? MailboxSession.MessageBytesMax : 2 * LargeBytes, ct) is not { } octets) return true;
            switch (await Take(mailbox, octets, ct))
            {
                case Reading.TooEarly:
                    return false;
                case Reading.PutOff:
                    place.PutOff(message.Key);
                    return true;
                case Reading.Taken:
                    await session.MarkTaken(message, ct);
                    await Remember(mailbox, message, remembered, isTaken: true, ct);
                    return true;
                default:
                    await Leave(session, mailbox, message, remembered, ct);
                    return true;
            }
        }
        finally
        {
            if (isLarge) largePlaces.Release();
        }
    }

    private async Task<Reading> Take(Mailbox mailbox, byte[] octets, CancellationToken ct)
    {
        Taken taken;
        try
        {
            taken = await intake.Take(octets, await addressee.Of(octets, to => to.Domain.Id == mailbox.Domain, ct), new Scope(Domain: mailbox.Domain), fromAnyone: false, ct);
        }
        catch (Exception e) when (e is not (DbException or OperationCanceledException))
        {
            // One message that nobody can read must not end the reading of the others.
            LogUnreadable(e, mailbox.Domain);
            return Reading.Left;
        }
        if (taken.Effect == ReturnEffect.TooEarly) return Reading.TooEarly;
        if (taken.Effect == ReturnEffect.TooMany) return Reading.PutOff;
        // What answers none of the domain's mail may be somebody else's, in a mailbox that has other uses too.
        var isOurs = taken.Effect != ReturnEffect.Unknown && (taken.Envelope is not null || taken.Kind is ReturnedKind.Unsubscribe or ReturnedKind.Report);
        return isOurs && taken.Kind != ReturnedKind.Other ? Reading.Taken : Reading.Left;
    }

    private async Task Leave(IMailbox session, Mailbox mailbox, StoredMessage message, HashSet<string> remembered, CancellationToken ct)
    {
        await session.MarkLeft(message, ct);
        await Remember(mailbox, message, remembered, isTaken: false, ct);
    }

    private async Task Remember(Mailbox mailbox, StoredMessage message, HashSet<string> remembered, bool isTaken, CancellationToken ct)
    {
        // What was moved or removed does not come up again.
        var stays = !isTaken || mailbox.After == AfterTaking.Flag;
        await leases.Note(mailbox, stays ? message.Key : null, isTaken, ct);
        if (stays) remembered.Add(message.Key);
    }

    private async Task Tell(DomainId domain, Exception failure, bool isFirst)
    {
        switch (failure)
        {
            case DbException:
                LogStoreAway(domain, failure.Message);
                return;
            case MailboxException:
                // What it is stands in the state; the log is not to be filled with it.
                if (isFirst) LogFailed(domain);
                break;
            default:
                LogBroken(failure, domain);
                break;
        }
        try
        {
            var told = failure is MailboxException ? failure.Message : "The service failed to read the mailbox; its operator finds the reason in the log.";
            await leases.NoteFailed(domain, told, CancellationToken.None);
        }
        catch (DbException e)
        {
            LogStoreAway(domain, e.Message);
        }
        catch (Exception e)
        {
            // Nothing that is told may end the reading.
            LogBroken(e, domain);
        }
    }

    /// <summary>The message at which sessions broke, one after the other, and those that are put off.</summary>
    private sealed class Place(TimeProvider time)
    {
        private readonly Dictionary<string, long> putOff = [];
        private bool isThere;

        public string? Key { get; private set; }
        public int Breaks { get; private set; }

        public void Reach(string key)
        {
            if (Key != key) (Key, Breaks) = (key, 0);
            isThere = true;
        }

        public void Leave() => isThere = false;

        /// <summary>When there are too many they are forgotten, and looked at once more.</summary>
        public void PutOff(string key)
        {
            if (putOff.Count >= RememberedMax) putOff.Clear();
            putOff[key] = time.GetTimestamp();
        }

        public bool IsPutOff(string key)
        {
            if (!putOff.TryGetValue(key, out var since)) return false;
            if (time.GetElapsedTime(since) < PutOffFor) return true;
            putOff.Remove(key);
            return false;
        }

        public void Break()
        {
            if (isThere) Breaks++;
            isThere = false;
        }
    }

    private enum Reading
    {
        Taken,
        Left,
        TooEarly,
        PutOff,
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message of {Size} octets in the mailbox of {Domain} is larger than is read, and left there")]
    private partial void LogTooLarge(DomainId domain, long size);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Message {Key} in the mailbox of {Domain} cannot be fetched, and is left there")]
    private partial void LogUnfetchable(DomainId domain, string key);

    [LoggerMessage(Level = LogLevel.Error, Message = "A message in the mailbox of {Domain} could not be read, and is left there")]
    private partial void LogUnreadable(Exception e, DomainId domain);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, the mailbox of {Domain} is read later: {Error}")]
    private partial void LogStoreAway(DomainId domain, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The mailbox of {Domain} cannot be read now")]
    private partial void LogFailed(DomainId domain);

    [LoggerMessage(Level = LogLevel.Error, Message = "The mailbox of {Domain} could not be read")]
    private partial void LogBroken(Exception e, DomainId domain);
}
