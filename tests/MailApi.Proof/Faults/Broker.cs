using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>What can happen to RabbitMQ, and must cost neither an accept, nor mail, nor a second copy: it carries doorbells alone.</summary>
public abstract class BrokerFault : Fault
{
    public override string PassMark => "Every accept succeeds, nothing is lost, no copy is made or feared, and within a minute mail moves as before.";
    public override IReadOnlyList<Mode> Modes => [Mode.Distributed];
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true };

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}

/// <summary>kill -9 of the node; it comes back with its queues.</summary>
public sealed class BrokerKilled : BrokerFault
{
    public override string Name => "broker-killed";

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var kills = 0; kills < 2; kills++)
        {
            await stand.Servers!.RabbitMq.KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(3)), TimeProvider.System, ct);
            await stand.Servers.RabbitMq.StartAgainAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(5)), TimeProvider.System, ct);
        }
    }
}

/// <summary>The node is away for so long.</summary>
public sealed class BrokerDown(TimeSpan duration) : BrokerFault
{
    public override string Name => "broker-down";

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        await stand.Servers!.RabbitMq.KillAsync();
        await Task.Delay(duration, TimeProvider.System, ct);
        await stand.Servers.RabbitMq.StartAgainAsync(ct);
    }
}

/// <summary>The node loses everything: queues, doorbells, users.</summary>
public sealed class BrokerWiped : BrokerFault
{
    public override string Name => "broker-wiped";

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        // The virtual host that comes back with a new node.
        stand.Settings["Bus__RabbitMq"] = stand.Servers!.RabbitMq.Uri;
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        await stand.Servers!.RabbitMq.WipeAsync();
        await Task.Delay(TimeSpan.FromSeconds(random.Next(5)), TimeProvider.System, ct);
        await stand.Servers.RabbitMq.StartAgainAsync(ct);
    }
}

/// <summary>Someone deletes the queues while they are used.</summary>
public sealed class QueuesDeleted : BrokerFault
{
    public override string Name => "queues-deleted";

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        var host = new Uri(stand.Settings["Bus__RabbitMq"]).AbsolutePath.TrimStart('/');
        foreach (var queue in (string[])["deliver-notification", "deliver-support", "deliver-notification"])
        {
            await stand.Servers!.RabbitMq.ControlAsync(ct, "delete_queue", queue, "-p", host);
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(3)), TimeProvider.System, ct);
        }
    }
}

/// <summary>The node runs out of memory: it stops reading from whoever publishes, and says nothing.</summary>
public sealed class BrokerMemoryAlarm : BrokerFault
{
    public override string Name => "broker-memory-alarm";

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        await stand.Servers!.RabbitMq.ControlAsync(ct, "set_vm_memory_high_watermark", "0.000001");
        await Task.Delay(TimeSpan.FromSeconds(15), TimeProvider.System, ct);
        await stand.Servers.RabbitMq.ControlAsync(ct, "set_vm_memory_high_watermark", "0.4");
    }
}

/// <summary>Broker and counters are away at the same time: the store alone is left.</summary>
public sealed class BrokerAndCountersDown : BrokerFault
{
    public override string Name => "broker-and-redis-down";
    public override Expectations Expectations => base.Expectations with { BurstsForgotten = 1 };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        await Task.WhenAll(stand.Servers!.RabbitMq.KillAsync(), stand.Servers.Redis.KillAsync());
        await Task.Delay(TimeSpan.FromSeconds(20), TimeProvider.System, ct);
        await Task.WhenAll(stand.Servers.Redis.StartAgainAsync(ct), stand.Servers.RabbitMq.StartAgainAsync(ct));
    }
}

/// <summary>The way to the node is reset, then silent with its connections open, then slow.</summary>
public sealed class BrokerWayBad : BrokerFault
{
    private TcpProxy? way;

    public override string Name => "broker-way-bad";

    public override Task Prepare(Stand stand, CancellationToken ct)
    {
        way = Ways.ToBroker(stand);
        return Task.CompletedTask;
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var resets = 0; resets < 3; resets++)
        {
            way!.Reset();
            await Task.Delay(TimeSpan.FromSeconds(1 + random.Next(2)), TimeProvider.System, ct);
        }
        await way!.BeSilentThenSlow(TimeSpan.FromSeconds(15), TimeSpan.FromMilliseconds(100), ct);
    }
}
