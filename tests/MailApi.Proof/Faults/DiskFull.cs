using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>The store's disk is full to the last byte, and then is not.</summary>
public sealed class DiskFull : Fault
{
    private const int Megabytes = 256;
    private SmallDisk? disk;

    public override string Name => "disk-full";
    public override string PassMark => "No 202 without its row; what was accepted is not lost, and everything goes on when there is room.";
    public override Expectations Expectations => new() { RateRecovers = true };

    public override async Task Prepare(Stand stand, CancellationToken ct)
    {
        if (stand.Servers is { } servers)
        {
            await servers.PostgreSql.MoveToSmallDiskAsync(Megabytes, ct);
            disk = servers.PostgreSql.Disk!;
        }
        else
        {
            var path = Directory.CreateDirectory(Path.Combine(stand.Options.Directory, "data")).FullName;
            disk = stand.Keep(await SmallDisk.MountAsync(path, Megabytes, ct));
            stand.Settings["DataDirectory"] = path;
        }
    }

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        for (var times = 0; times < 2; times++)
        {
            disk!.Fill(bytesLeft: 0);
            // What becomes free in between, by a checkpoint for example, is taken as well.
            for (var seconds = 0; seconds < 8; seconds++)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, ct);
                disk.Fill(bytesLeft: 0);
            }
            disk.Clear();
            // PostgreSQL ends when it cannot write its log, and an operator starts it again.
            if (stand.Servers is { PostgreSql: { Process.HasExited: true } postgreSql }) await postgreSql.StartAgainAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System, ct);
        }
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        if (!evidence.Answers.Values.Any(answers => answers.Any(answer => answer.Status == 503))) yield return new Violation("I12", "No call was answered 503: the fault was not felt.", null);
        foreach (var violation in Doubts.In(evidence)) yield return violation;
    }
}
