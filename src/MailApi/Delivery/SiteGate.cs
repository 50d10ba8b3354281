using MailApi.Api;
using MailApi.Mail.Shaping;
using MailApi.Spool;
using Route = MailApi.Mail.Routing.Route;

namespace MailApi.Delivery;

/// <summary>Lets a claim go to its site, wait a moment for it without a delivery slot, or come back later.</summary>
internal sealed class SiteGate(Sites sites, TimeProvider time)
{
    /// <summary>Whoever has a seat is expected to go within a third of a second; a receiver that falters meanwhile must not keep it for long.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(2);

    /// <summary>The visit, or after which delay to come back.</summary>
    /// <exception cref="OperationCanceledException">The process stops.</exception>
    public async Task<(SiteVisit? Visit, TimeSpan Delay)> Enter(Claim claim, Route route, DeliverySlots.Slot slot, CancellationToken ct)
    {
        var admission = sites.Enter(route, claim.RecipientDomain, new Flow(Urgency(claim.Category), claim.Tenant.Value));
        if (admission is Admission.Waiting waiting) admission = await Wait(waiting, slot.TrySetAside(claim.Size), ct);
        DeliveryMetrics.Count(admission);
        return admission is Admission.Entered entered ? (entered.Visit, TimeSpan.Zero) : (null, ((Admission.Refused)admission).Delay);
    }

    /// <summary>Order mail and codes go first wherever there is a line.</summary>
    private static int Urgency(Category category) => category switch
    {
        Category.Notification => 0,
        Category.Support => 1,
        _ => 2,
    };

    private async Task<Admission> Wait(Admission.Waiting waiting, bool isAside, CancellationToken ct)
    {
        // A delivery slot is not held for it.
        if (!isAside) waiting.GiveUp();
        try
        {
            return await waiting.Turn.WaitAsync(WaitMax, time, ct);
        }
        catch (TimeoutException)
        {
            waiting.GiveUp();
            return await waiting.Turn;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            waiting.GiveUp();
            if (await waiting.Turn is Admission.Entered entered) entered.Visit.Leave(null);
            throw;
        }
    }
}
