namespace MailApi.Spool;

/// <summary>What the host tells the spool.</summary>
public sealed record SpoolOptions
{
    /// <summary>How long a claimed envelope stays with its worker; it covers the ten minutes' wait for the reply to the final dot (RFC 5321 §4.5.3.2.6).</summary>
    public required TimeSpan Lease { get; init; }

    /// <summary>This process delivers, and shares the limits of destination sites with the others that do.</summary>
    public bool Delivers { get; init; } = true;

    /// <summary>The number of the newest schema migration that this process knows.</summary>
    public int Migration { get; init; }

    /// <summary>The bus lives in this process: whatever was rung before the start is lost, and rung again at once.</summary>
    public required bool BusIsInProcess { get; init; }
}
