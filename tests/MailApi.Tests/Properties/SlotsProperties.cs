using CsCheck;
using MailApi.Delivery;
using MailApi.Testing;

namespace MailApi.Tests.Properties;

/// <summary>Slots that are taken and given back in any order, by tenants of different weights.</summary>
public sealed class SlotsProperties
{
    private const int Tenants = 5;

    /// <summary>A tenant asks for a slot, or gives one back if it has one.</summary>
    private sealed record Step(int Tenant, bool Takes);

    private static readonly Gen<Step> AnyStep = Gen.Select(Gen.Int[0, Tenants - 1], Gen.Frequency((3, Gen.Const(true)), (2, Gen.Const(false))), (tenant, takes) => new Step(tenant, takes));

    [Fact]
    [Trait("Takes", "seconds")]
    public void None_is_lost_or_given_twice_none_idles_and_everybody_gets_a_turn() => Gen.Select(Gen.Int[1, 40], Gen.Int[1, 4].Array[Tenants], AnyStep.Array[0, 250]).Sample(
        (count, weights, steps) => new Run(count, weights).Take(steps), iter: Samples.Of(1_500), threads: 1, print: it => $"{it.Item1} slots, weights {string.Join(' ', it.Item2)}: {string.Join(' ', it.Item3.Select(step => $"{(step.Takes ? '+' : '-')}{step.Tenant}"))}");

    private sealed class Run
    {
        private readonly int count, quarter, alone;
        private readonly int[] weights;
        private readonly Guid[] ids = [.. Enumerable.Range(0, Tenants).Select(_ => Guid.CreateVersion7())];
        private readonly List<Task<bool>>[] asked = [.. Enumerable.Range(0, Tenants).Select(_ => new List<Task<bool>>())];
        private readonly int[] returned = new int[Tenants];

        /// <summary>What each of the others was given while the first waited and might have had it.</summary>
        private readonly int[,] passedBy = new int[Tenants, Tenants];
        private readonly Slots slots;

        public Run(int count, int[] weights)
        {
            (this.count, this.weights, quarter, alone) = (count, weights, Math.Max(1, count / 4), Math.Max(1, count - Math.Max(1, count / 8)));
            slots = new Slots(count, id => weights[Array.IndexOf(ids, id)], CancellationToken.None);
        }

        private int Granted(int tenant) => asked[tenant].Count(it => it.IsCompletedSuccessfully);
        private int Held(int tenant) => Granted(tenant) - returned[tenant];
        private bool Waits(int tenant) => asked[tenant].Count > Granted(tenant);
        private int Waiting => Enumerable.Range(0, Tenants).Count(Waits);
        private int Cap => Waiting > 1 ? quarter : alone;

        public void Take(Step[] steps)
        {
            foreach (var step in steps)
            {
                var (before, waited, cap) = (Enumerable.Range(0, Tenants).Select(Granted).ToArray(), Enumerable.Range(0, Tenants).Select(Waits).ToArray(), Cap);
                var mightHave = Enumerable.Range(0, Tenants).Select(tenant => waited[tenant] && Held(tenant) < cap).ToArray();
                if (step.Takes) asked[step.Tenant].Add(slots.Take(ids[step.Tenant]));
                else if (Held(step.Tenant) > 0)
                {
                    returned[step.Tenant]++;
                    slots.Release(ids[step.Tenant]);
                }
                Check(before, waited);
                Count(before, mightHave);
            }
            // All that was taken comes back, and then all can be had again.
            while (Enumerable.Range(0, Tenants).FirstOrDefault(tenant => Held(tenant) > 0, -1) is >= 0 and var holder)
            {
                returned[holder]++;
                slots.Release(ids[holder]);
            }
            Assert.Equal(0, Waiting);
            Assert.Equal(alone, Enumerable.Range(0, count).Count(_ => slots.Take(ids[0]).IsCompletedSuccessfully));
        }

        private void Check(int[] before, bool[] waited)
        {
            var held = Enumerable.Range(0, Tenants).Sum(Held);
            Assert.InRange(held, 0, count);
            for (var tenant = 0; tenant < Tenants; tenant++)
            {
                Assert.InRange(Held(tenant), 0, alone);
                if (Granted(tenant) > before[tenant] && Enumerable.Range(0, Tenants).Any(other => other != tenant && Waits(other) && waited[other]))
                    Assert.True(Held(tenant) <= quarter, $"Tenant {tenant} is given its slot {Held(tenant)} of {count} while another waits.");
                // None idles that somebody may have.
                if (Waits(tenant) && Held(tenant) < Cap) Assert.Equal(count, held);
            }
        }

        private void Count(int[] before, bool[] mightHave)
        {
            for (var tenant = 0; tenant < Tenants; tenant++)
                for (var other = 0; other < Tenants; other++)
                {
                    if (other == tenant) continue;
                    if (!mightHave[tenant] || !Waits(tenant) || Granted(tenant) > before[tenant] || Held(tenant) >= Cap) passedBy[tenant, other] = 0;
                    else passedBy[tenant, other] += Granted(other) - before[other];
                    Assert.True(passedBy[tenant, other] <= weights[other], $"Tenant {other}, of weight {weights[other]}, is given {passedBy[tenant, other]} slots while tenant {tenant} waits for its turn.");
                }
        }
    }
}
