namespace MailApi.Mail.Shaping;

/// <summary>What is in force at a site.</summary>
public enum SiteState
{
    /// <summary>All that its profile allows.</summary>
    Open,

    /// <summary>The receiver asked for less, and is given more again step by step.</summary>
    Slowed,

    /// <summary>The receiver asked for nothing for a while.</summary>
    Paused,

    /// <summary>It could not be connected to, several times in a row; one attempt is made from time to time.</summary>
    Closed,
}

/// <summary>A site as one process sees it.</summary>
public sealed record SiteReport
{
    public required string Site { get; init; }
    public required SiteProfile Profile { get; init; }
    public required SiteState State { get; init; }

    /// <summary>When the state began; null for a site that was always open.</summary>
    public required DateTimeOffset? Since { get; init; }

    /// <summary>When a pause ends, or the next attempt is made.</summary>
    public required DateTimeOffset? Until { get; init; }

    /// <summary>The reply or failure that caused it, without mail addresses.</summary>
    public required string? Reason { get; init; }

    /// <summary>Attempts under way.</summary>
    public required int InUse { get; init; }

    /// <summary>Connections that this process may use now.</summary>
    public required int Connections { get; init; }

    /// <summary>Messages a second that this process may send now; null: as many as the connections carry.</summary>
    public required double? PerSecond { get; init; }

    /// <summary>Some of the recipient domains whose mail goes there.</summary>
    public required IReadOnlyList<string> Domains { get; init; }
    public required long Delivered { get; init; }

    /// <summary>4xx replies.</summary>
    public required long Deferred { get; init; }

    /// <summary>5xx replies.</summary>
    public required long Refused { get; init; }

    /// <summary>Attempts without a reply.</summary>
    public required long Failed { get; init; }

    /// <summary>When it was last asked for.</summary>
    public required DateTimeOffset UsedAt { get; init; }
}
