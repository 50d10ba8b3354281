using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>Receivers lose their reply after the dot, keep it back, or reset: the window in which nobody can know (RFC 1047).</summary>
public sealed class RepliesLost : Fault
{
    public override string Name => "replies-lost";
    public override string PassMark => "Every second copy is flagged and follows a lost reply; what was to be held has one copy at most.";

    public override LoadOptions Load => new()
    {
        OddShare = 0.5,
        HoldShare = 0.4,
        Scripts = ["reset-after-dot-kept-1@odd", "reset-after-dot-dropped-1@odd", "lost-250-1@odd", "reset-before-dot-1@odd", "hold-dot-1@held", "garbage-1@odd"],
    };

    public override Task Inflict(Stand stand, Random random, CancellationToken ct) => Task.Delay(TimeSpan.FromSeconds(15), TimeProvider.System, ct);
}

/// <summary>No receiver listens for a while, and connections to it are cut.</summary>
public sealed class SiteDead : Fault
{
    public override string Name => "site-dead";
    public override string PassMark => "Nothing is lost, every second copy is flagged, and within a minute mail moves as before.";
    public override Expectations Expectations => new() { RateRecovers = true };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        await stand.Sink.StopAsync();
        await Task.Delay(TimeSpan.FromSeconds(15), TimeProvider.System, ct);
        stand.Sink.Listen();
    }
}

/// <summary>The way to every receiver falls silent with its connections open; some come back, some are reset.</summary>
public sealed class ReceiversHalfOpen : Fault
{
    private TcpProxy? way;

    public override string Name => "receivers-half-open";
    public override string PassMark => "Nothing is lost, every second copy is flagged, accepting goes on, and within a minute mail moves as before.";
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true };

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        way = Ways.ToReceivers(stand);
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        foreach (var silent in (Action[])[way!.Hold, way!.HoldToClient, way!.HoldToServer])
        {
            silent();
            await Task.Delay(TimeSpan.FromSeconds(5 + random.Next(3)), TimeProvider.System, ct);
            way.Reset();
            way.Release();
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(2)), TimeProvider.System, ct);
        }
        way.Hold();
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, ct);
        way.Release();
    }
}

/// <summary>Receivers offer STARTTLS and then speak no TLS; someone on the path overwrites the offer.</summary>
public sealed class TlsBroken : Fault
{
    public override string Name => "tls-broken";
    public override string PassMark => "Mail whose receiver demands no TLS arrives all the same, once; nothing is lost.";

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        stand.Sink.Tls = SinkTls.StartTls;
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        foreach (var tls in (SinkTls[])[SinkTls.Broken, SinkTls.Stripped, SinkTls.Injecting, SinkTls.StartTls])
        {
            stand.Sink.Tls = tls;
            await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, ct);
        }
    }

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}
