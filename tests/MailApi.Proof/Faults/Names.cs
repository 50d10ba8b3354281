using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>No receiver's name can be looked up for a while.</summary>
public sealed class NamesFail(DnsFailure failure) : Fault
{
    public override string Name => "dns-" + failure.ToString().ToLowerInvariant();

    public override string PassMark => failure == DnsFailure.NxDomain
        ? "A name that certainly does not exist bounces its mail, once and for good; accepting goes on."
        : "Mail waits and arrives; none bounces because nobody answered; accepting goes on.";

    // What bounced leaves no backlog that would show how fast mail moves again.
    public override TimeSpan Calm => TimeSpan.FromSeconds(15);
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true, MayEnd = failure == DnsFailure.NxDomain ? ["bounced"] : [] };

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        // Else what is remembered would hide that nobody answers.
        stand.Dns.TimeToLive = TimeSpan.FromSeconds(1);
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        stand.Dns.Fail("*", failure);
        await Task.Delay(TimeSpan.FromSeconds(12), TimeProvider.System, ct);
        stand.Dns.Recover("*");
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        var bounced = evidence.Cases.Where(one => one.IsOrdinary && one.Envelope?.State == "bounced").ToList();
        if (failure == DnsFailure.NxDomain && bounced.Count == 0) yield return new Violation("DNS", "Nothing bounced: the fault was not felt.", null);
        foreach (var violation in Doubts.In(evidence)) yield return violation;
    }
}
