namespace MailApi.Api;

/// <summary>
/// What the bodies of messages, sent or come back, may take of this process's memory while they are read and composed. What they need beyond their first octets is reserved before it is
/// allocated, so that many large ones at once, or many that only say that they are large, are asked to come again and the process stays up.
/// </summary>
internal sealed class BodyMemory : IDisposable
{
    /// <summary>Free for every body, so that ordinary mail is never refused for the large one's sake.</summary>
    public const int FreeOctets = 256 * 1024;

    /// <summary>While it becomes a message, a body is held about five times over: as JSON, as text of two octets a character, decoded, composed.</summary>
    private const long ComposingOctets = 256L << 20;
    private const int ComposedAtOnceMax = 4;

    /// <summary>Composing keeps a processor busy for up to half a second; the others are for ordinary mail.</summary>
    private static readonly int ComposingProcessors = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Two of the largest.</summary>
    private const long LeastOctets = 80L << 20;
    private const long MostOctets = 512L << 20;

    private readonly long octetsMax;
    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, long> byTenant = [];
    private readonly SemaphoreSlim composing;
    private long reserved;

    public BodyMemory() : this(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) { }

    /// <param name="available">What the process may have; a sixteenth of it is for bodies that arrive, within bounds.</param>
    internal BodyMemory(long available)
    {
        octetsMax = Math.Clamp(available / 16, LeastOctets, MostOctets);
        composing = new SemaphoreSlim((int)Math.Clamp(available / ComposingOctets, 1, Math.Min(ComposedAtOnceMax, ComposingProcessors)));
    }

    /// <summary>False when all is taken, or half of it by this tenant.</summary>
    public bool TryReserve(TenantId tenant, long octets)
    {
        lock (gate)
        {
            var own = byTenant.GetValueOrDefault(tenant) + octets;
            if (reserved + octets > octetsMax || own > octetsMax / 2) return false;
            reserved += octets;
            byTenant[tenant] = own;
            return true;
        }
    }

    public void Release(TenantId tenant, long octets)
    {
        if (octets == 0) return;
        lock (gate)
        {
            reserved -= octets;
            var own = byTenant[tenant] - octets;
            if (own == 0) byTenant.Remove(tenant);
            else byTenant[tenant] = own;
        }
    }

    /// <summary>Waits for a place to compose a large body in; answers what gives it back.</summary>
    public async Task<IDisposable> Compose(CancellationToken ct)
    {
        await composing.WaitAsync(ct);
        return new Place(composing);
    }

    public void Dispose() => composing.Dispose();

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }
}
