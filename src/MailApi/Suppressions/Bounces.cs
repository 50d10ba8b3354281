using MailApi.Api;
using MailApi.Mail.Bounces;
using MailApi.Storage;

namespace MailApi.Suppressions;

/// <summary>
/// What a bounce does to its tenant's list. A dead address is suppressed at once, in every category. A mailbox that may come to life again is given
/// a rest once it has refused several messages in a row, not all of them on one bad day: receivers judge senders by how long they knock.
/// </summary>
internal static class Bounces
{
    /// <summary>Refusals in a row, without a delivery between, that make an address rest.</summary>
    public const int SoftMax = 3;

    /// <summary>Older refusals are forgotten.</summary>
    public static readonly TimeSpan SoftWithin = TimeSpan.FromDays(30);

    /// <summary>Between the first and the last of them at least: a full mailbox is often emptied in the evening.</summary>
    public static readonly TimeSpan SoftSpread = TimeSpan.FromDays(1);

    /// <summary>How long the address then gets no mail.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromDays(30);

    /// <summary>The statements, for the transaction that records the bounce; none where it says nothing of the mailbox.</summary>
    public static IEnumerable<Statement> Suppress(TenantId tenant, EnvelopeId envelope, string recipient, BounceVerdict verdict)
    {
        var source = "envelope " + envelope;
        if (verdict.SuppressesAddress) return [SuppressionList.Add(tenant, recipient, category: null, SuppressionReason.HardBounce, source)];
        return verdict.Class is BounceClass.MailboxFull or BounceClass.NoMailbox ? [Count(tenant, envelope, recipient), GiveRest(tenant, recipient, source)] : [];
    }

    /// <summary>The statement for a recipient who complained: no category is spared, though each heeds what its rules say.</summary>
    public static Statement SuppressComplained(TenantId tenant, EnvelopeId envelope, string recipient) =>
        SuppressionList.Add(tenant, recipient, category: null, SuppressionReason.Complaint, "envelope " + envelope);

    private static Statement Count(TenantId tenant, EnvelopeId envelope, string recipient) => new(
        "insert into soft_bounces (tenant_id, address, envelope_id, at) values (@tenant, @address, @envelope, now_ms()) on conflict do nothing",
        ("tenant", tenant.Value), ("address", SuppressionList.Key(recipient)), ("envelope", envelope.Value));

    /// <summary>Refusals from before a delivery or an override do not count: the one proves them wrong, the other was told of them.</summary>
    private static Statement GiveRest(TenantId tenant, string recipient, string source) => new($"""
        insert into suppressions (id, tenant_id, address, category, reason, source, created_at, expires_at)
        select @id, @tenant, @address, '', 'softBounce', @source, now_ms(), now_ms() + @rest
        from (select count(*) as many, max(b.at) - min(b.at) as spread
              from soft_bounces b
              where b.tenant_id = @tenant and b.address = @address and b.at > now_ms() - @within
                and b.at > coalesce((select max(e.updated_at) from envelopes e
                                     where e.tenant_id = @tenant and e.recipient = @recipient and e.state = 'delivered' and e.test = false), 0)
                and b.at > coalesce((select max(s.overridden_at) from suppressions s
                                     where s.tenant_id = @tenant and s.address = @address and s.reason = 'softBounce'), 0)) counted
        where counted.many >= @softMax and counted.spread >= @softSpread
        {SuppressionList.NotedAgain}
        """,
        ("id", PrefixedId.New<SuppressionId>().Value), ("tenant", tenant.Value), ("address", SuppressionList.Key(recipient)), ("recipient", recipient), ("source", source),
        ("rest", (long)Rest.TotalMilliseconds), ("within", (long)SoftWithin.TotalMilliseconds), ("softMax", SoftMax), ("softSpread", (long)SoftSpread.TotalMilliseconds));
}
