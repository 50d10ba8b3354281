using MailApi.Proof.Checking;
using MailApi.Proof.Loading;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>Something that goes wrong while mail is under way, and what must hold nevertheless.</summary>
public abstract class Fault
{
    /// <summary>As it is called on the command line: <c>broker-killed</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What must hold, in a sentence for the report.</summary>
    public abstract string PassMark { get; }

    /// <summary>Where it can happen.</summary>
    public virtual IReadOnlyList<Mode> Modes => [Mode.Embedded, Mode.Distributed];

    /// <summary>Processes in distributed mode.</summary>
    public virtual int Nodes => 1;

    /// <summary>It measures time: no other trial runs beside it.</summary>
    public virtual bool RunsAlone => false;

    /// <summary>Another build of the program; null: the published one.</summary>
    public virtual string? Binary => null;

    /// <summary>What is asked beside the invariants, and what cannot be.</summary>
    public virtual Expectations Expectations => new();

    /// <summary>The load under which it happens.</summary>
    public virtual LoadOptions Load => new();

    /// <summary>How long the load runs undisturbed, before and after.</summary>
    public virtual TimeSpan Calm => TimeSpan.FromSeconds(5);

    /// <summary>Until everything is final. A node silent for half a minute loses its leases, a doorbell unheard for one is rung again, a webhook that
    /// failed twice, as any may on a machine that is busy with other trials, is tried again after five.</summary>
    public virtual TimeSpan Patience => TimeSpan.FromMinutes(8);

    /// <summary>Before the nodes start: puts itself between them and their peers, or changes what they are started with (<see cref="Stand.Settings"/>).</summary>
    public virtual Task Prepare(Stand stand, CancellationToken ct) => Task.CompletedTask;

    /// <summary>Does it, and undoes it: when this returns, every part that was broken is whole and every node that was killed has been started.</summary>
    /// <param name="stand">Under load. <see cref="Stand.Timeline"/> must be told of whatever can leave an attempt without an answer; that the fault begins and ends is told already.</param>
    /// <param name="random">Of the seed.</param>
    /// <param name="ct">Gives up.</param>
    public abstract Task Inflict(Stand stand, Random random, CancellationToken ct);

    /// <summary>What it asks of the ledgers beside the invariants.</summary>
    public virtual IEnumerable<Violation> Check(Evidence evidence) => [];
}
