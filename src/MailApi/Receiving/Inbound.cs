using System.Data.Common;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using MailApi.Reports;
using MailApi.Spool;

namespace MailApi.Receiving;

/// <summary>
/// The policy of port 25: only <see cref="Addressees"/> of ours get mail, and nothing is relayed.
/// </summary>
internal sealed partial class Inbound(Addressees addressees, Intake intake, ILogger<Inbound> log)
{
    private static readonly Reply Taken = new(250, "2.0.0", "Taken");
    private static readonly Reply RecipientOk = new(250, "2.1.5", "OK");
    private static readonly Reply NotOurs = new(550, "5.7.1", "Not an address of this host, which relays for nobody");
    private static readonly Reply BadReturnPath = new(550, "5.1.1", "No such return path, or it has expired");
    private static readonly Reply NoReport = new(550, "5.6.0", "Only reports are read at this address");
    private static readonly Reply StoreAway = new(451, "4.3.0", "The store is away, try again later");
    private static readonly Reply ComeAgain = new(451, "4.3.0", "The message that this answers is still being sent, try again later");

    private static readonly Reply TooManyReports = new(451, "4.7.1", ReportIntake.TooMany);

    /// <summary>Answers RCPT.</summary>
    public async Task<Reply> Check(Sender sender, MailPath recipient, CancellationToken ct)
    {
        if (IsPostmaster(recipient)) return RecipientOk;
        try
        {
            return await addressees.Find(recipient, ct) switch
            {
                null => NotOurs,
                Addressee.Unknown => BadReturnPath,
                _ => RecipientOk,
            };
        }
        catch (DbException e)
        {
            LogStoreAway(e.Message);
            return StoreAway;
        }
    }

    /// <summary>Takes the message for each of its recipients; its 250 is a commit. What is tried again after a 451 has no second effect.</summary>
    public async Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct)
    {
        try
        {
            Reply? worst = null;
            var returned = new ReturnedMessage(message.Content);
            foreach (var recipient in message.Recipients.DistinctBy(path => (path.LocalPart.ToLowerInvariant(), path.Domain)))
            {
                var reply = await Deliver(returned, recipient, ct);
                if (worst is null || Rank(reply) > Rank(worst)) worst = reply;
            }
            return worst ?? NotOurs;
        }
        catch (DbException e)
        {
            LogStoreAway(e.Message);
            return StoreAway;
        }
    }

    /// <summary>Where one recipient's failure is temporary all is tried again; a refusal counts only when nobody took it.</summary>
    private static int Rank(Reply reply) => reply.IsTransient ? 2 : reply.IsPositive ? 1 : 0;

    /// <summary>Of no domain in particular, which every host takes mail for (RFC 5321 §4.5.1). No report can be about a domain there: it is answered as a letter is at the others.</summary>
    private static bool IsPostmaster(MailPath recipient) => recipient.Domain.Length == 0 && recipient.LocalPart.Equals("postmaster", StringComparison.OrdinalIgnoreCase);

    private async Task<Reply> Deliver(ReturnedMessage message, MailPath recipient, CancellationToken ct)
    {
        if (IsPostmaster(recipient)) return NoReport;
        if (await addressees.Find(recipient, ct) is not { } addressee) return NotOurs;
        if (addressee is Addressee.Unknown) return BadReturnPath;
        var taken = await intake.Take(message, addressee, new Scope(Domain: addressee.Domain.Id), fromAnyone: true, ct);
        if (taken.Effect == ReturnEffect.TooEarly) return ComeAgain;
        if (taken.Effect == ReturnEffect.TooMany) return TooManyReports;
        // A person who writes here would never be read: better that they are told.
        return addressee is Addressee.Feedback && taken.Kind != ReturnedKind.Complaint || addressee is Addressee.Reports && taken.Kind != ReturnedKind.Report ? NoReport : Taken;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store is away, what comes back is put off: {Error}")]
    private partial void LogStoreAway(string error);
}
