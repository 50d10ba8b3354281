using MailApi.Domains;
using MailApi.Limits;
using MailApi.Spool;

namespace MailApi.Delivery;

/// <summary>The budgets that one attempt draws on.</summary>
internal static class SendPermits
{
    public static SendPermitRequest For(Claim claim, SendingIdentity identity) =>
        new(claim.Tenant, [new Bucket($"domain:{claim.DomainId}", identity.RatePerSecond, identity.RateBurst)]);
}
