namespace MailApi.Limits;

/// <summary>The loans of this process, a bounded number: when there are too many, the idle ones are forgotten.</summary>
internal sealed class Loans
{
    /// <summary>About 2 MB; each stands for 100 messages a second that a domain or a relay may send.</summary>
    public const int CountMax = 4_096;

    /// <summary>Looking for idle loans costs time: not on every call.</summary>
    private const long TidyInterval = 1_000_000;

    private readonly Lock gate = new();
    private readonly Dictionary<SendPermitRequest, Loan> loans = [];
    private long tidiedAt = long.MinValue / 2;

    /// <summary>Null where nothing is borrowed: the rates are ordinary, or there is no room for another loan.</summary>
    public Loan? Of(SendPermitRequest request, long now)
    {
        var most = Loan.MostFor(request);
        if (most == 1) return null;
        lock (gate)
        {
            if (loans.TryGetValue(request, out var loan)) return loan;
            return HasRoom(now) ? loans[request] = new Loan(most) : null;
        }
    }

    private bool HasRoom(long now)
    {
        if (loans.Count < CountMax) return true;
        if (now - tidiedAt < TidyInterval) return false;
        tidiedAt = now;
        foreach (var (request, loan) in loans)
            if (loan.IsIdle(now)) loans.Remove(request);
        return loans.Count < CountMax;
    }
}
