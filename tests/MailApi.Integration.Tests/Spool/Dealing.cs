using CsCheck;
using MailApi.Api;
using MailApi.Spool;

namespace MailApi.Integration.Tests.Spool;

/// <summary>A tenant with a backlog.</summary>
/// <param name="IsSuspended">The operator holds it back.</param>
public sealed record Backlog(int Envelopes, int Weight, bool IsSuspended);

/// <summary>
/// The window nearly full, and several tenants that wait for its few free places, sweep by sweep: what deficit round robin promises. A tenant that is dealt to
/// takes a turn; its length is bounded by its weight.
/// </summary>
internal sealed class Dealing(SpoolUnderTest spool)
{
    private static readonly Gen<Backlog> Tenant = Gen.Select(Gen.Int[1, 12], Gen.Int[1, 5], Gen.OneOf(false, false, false, true), (envelopes, weight, suspended) => new Backlog(envelopes, weight, suspended));

    /// <summary>Backlogs, and the places that become free before each sweep.</summary>
    public static readonly Gen<(Backlog[] Tenants, int[] Freed)> Cases = Gen.Select(Tenant.Array[1, 7], Gen.Int[0, 6].Array[1, 30]);

    private readonly Dictionary<Guid, Backlog> backlogs = [];
    private readonly Dictionary<Guid, int> left = [];

    /// <summary>Turns of others since a waiting tenant's last one.</summary>
    private readonly Dictionary<(Guid Waiting, Guid Other), int> passedBy = [];

    public async Task Hold(Backlog[] tenants, int[] freed)
    {
        var filler = PrefixedId.New<TenantId>();
        await Add(filler, new Backlog(Window.SlotsMax, 1, IsSuspended: false), "rung", "now_ms() + 1000000");
        foreach (var backlog in tenants)
        {
            var tenant = PrefixedId.New<TenantId>();
            (backlogs[tenant.Value], left[tenant.Value]) = (backlog, backlog.Envelopes);
            await Add(tenant, backlog, "queued", "0");
            if (backlog.IsSuspended) await spool.Suspensions.Add(SuspensionKind.Tenant, tenant.ToString(), CancellationToken.None);
        }
        var places = 0;
        foreach (var count in freed)
        {
            places += await spool.Db.Execute(
                "delete from envelopes where id in (select id from envelopes where tenant_id = @filler limit @count)", CancellationToken.None, ("filler", filler.Value), ("count", count));
            places -= await Sweep(places);
        }
    }

    private async Task<int> Sweep(int places)
    {
        var waiting = left.Where(it => it.Value > 0 && !backlogs[it.Key].IsSuspended).Select(it => it.Key).ToList();
        var weights = waiting.Sum(tenant => backlogs[tenant].Weight);
        var before = await Rung();
        await spool.Sweeper.Sweep(CancellationToken.None);
        var after = await Rung();

        var turns = left.Keys.ToDictionary(tenant => tenant, tenant => after.GetValueOrDefault(tenant) - before.GetValueOrDefault(tenant));
        var dealt = turns.Values.Sum();
        Assert.True(dealt <= places, $"{dealt} are rung where {places} places are free.");
        if (places > 0 && waiting.Count > 0) Assert.True(dealt > 0, $"Nobody is dealt to, though {waiting.Count} wait for {places} places.");
        foreach (var (tenant, turn) in turns)
        {
            if (turn == 0) continue;
            Assert.False(backlogs[tenant].IsSuspended, "A tenant is dealt to whose mail is suspended.");
            var most = Math.Max(backlogs[tenant].Weight, places * backlogs[tenant].Weight / weights);
            Assert.True(turn <= most || waiting.Count == 1, $"A turn of {turn} with the weight {backlogs[tenant].Weight} of {weights} and {places} places.");
            left[tenant] -= turn;
        }
        foreach (var tenant in waiting) Count(tenant, turns);
        return dealt;
    }

    private void Count(Guid tenant, Dictionary<Guid, int> turns)
    {
        foreach (var (other, turn) in turns)
        {
            if (other == tenant) continue;
            if (turns[tenant] > 0) passedBy.Remove((tenant, other));
            else if (turn > 0)
            {
                passedBy[(tenant, other)] = passedBy.GetValueOrDefault((tenant, other)) + 1;
                Assert.True(passedBy[(tenant, other)] == 1, "A tenant is dealt to twice while another waits for its turn.");
            }
        }
    }

    private async Task<Dictionary<Guid, int>> Rung() => (await spool.Db.Query(
        "select tenant_id, count(*) from envelopes where state = 'rung' group by tenant_id", row => (Tenant: row.GetGuid(0), Count: row.GetInt32(1)), CancellationToken.None)).ToDictionary(it => it.Tenant, it => it.Count);

    private async Task Add(TenantId tenant, Backlog backlog, string state, string due)
    {
        await spool.Db.Execute(
            "insert into tenants (id, name, ingress_per_second, ingress_burst, weight, created_at) values (@id, 'Shop', 1, 1, @weight, 0)", CancellationToken.None,
            ("id", tenant.Value), ("weight", backlog.Weight));
        await spool.Accept(tenant, backlog.Envelopes);
        await spool.Db.Execute($"update envelopes set state = '{state}', due_at = {due} where tenant_id = @tenant", CancellationToken.None, ("tenant", tenant.Value));
    }
}
