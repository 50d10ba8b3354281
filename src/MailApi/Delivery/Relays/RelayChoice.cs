using MailApi.Api;

namespace MailApi.Delivery.Relays;

/// <summary>Which relays serve an envelope, in the order in which they are tried. Pure.</summary>
internal static class RelayChoice
{
    /// <summary>
    /// Of the enabled relays whose scope has the envelope, those of the most specific scope: domain and category, domain, tenant and category, tenant,
    /// category, everyone. Among these the lower priority goes first, and among equals chance decides, by weight. None: the mail takes another way.
    /// </summary>
    public static IReadOnlyList<Relay> InOrder(IReadOnlyList<Relay> relays, string domain, Category category, Random random)
    {
        if (relays.Count == 0) return [];
        var serving = relays.Where(relay => relay.Enabled && (relay.Domain ?? domain) == domain && (relay.Category ?? category) == category).ToList();
        if (serving.Count == 0) return [];
        var specific = serving.Max(Specificity);
        return [.. serving.Where(relay => Specificity(relay) == specific).OrderBy(relay => relay.Priority).ThenBy(relay => Draw(relay.Weight, random))];
    }

    private static int Specificity(Relay relay) => (relay.Domain is null ? 0 : 4) + (relay.Tenant is null ? 0 : 2) + (relay.Category is null ? 0 : 1);

    /// <summary>The smallest of exponential variates belongs to each with the probability of its rate: a weighted shuffle (Efraimidis and Spirakis, 2006).</summary>
    private static double Draw(int weight, Random random) => -Math.Log(1 - random.NextDouble()) / weight;
}
