namespace MailApi.Delivery.Egress;

/// <summary>
/// How much an address that receivers do not know yet may send to each of them: a little on its first day, twice as much each day. Receivers publish no
/// figures; those of mail providers' advice to senders with dedicated addresses are of this order.
/// </summary>
internal static class WarmUp
{
    /// <summary>Messages to a site on the first day.</summary>
    public const int FirstDay = 50;

    /// <summary>Then it is warm.</summary>
    public const int Days = 14;

    /// <param name="since">The address's first day; null: it is warm.</param>
    /// <param name="today">By UTC. Before the first day, as on it.</param>
    /// <returns>Messages to each site today; null: as many as there are.</returns>
    public static long? Allowance(DateOnly? since, DateOnly today)
    {
        if (since is not { } first) return null;
        var day = Math.Max(0, today.DayNumber - first.DayNumber);
        return day < Days ? (long)FirstDay << day : null;
    }
}
