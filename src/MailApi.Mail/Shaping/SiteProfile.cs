namespace MailApi.Mail.Shaping;

/// <summary>What a receiver is sent at most: where a site starts, and what it returns to after it asked for less.</summary>
public sealed record SiteProfile
{
    public required string Name { get; init; }

    /// <summary>Names of mail hosts that it holds for: each with everything below it. The longest that fits decides; empty where a profile is chosen otherwise.</summary>
    public IReadOnlyList<string> MxSuffixes { get; init; } = [];

    /// <summary>Connections at the same time, of all nodes together.</summary>
    public required int Connections { get; init; }

    /// <summary>Messages on one connection, which then ends with QUIT.</summary>
    public required int MessagesPerConnection { get; init; }

    /// <summary>Messages a second, of all nodes together; null: as many as the connections carry.</summary>
    public double? PerSecond { get; init; }

    /// <summary>How long a connection waits for its next message.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What else to know of the receiver, such as its TLS.</summary>
    public string? Note { get; init; }

    /// <summary>Where the figures come from.</summary>
    public required string Source { get; init; }

    /// <summary>When they were looked at.</summary>
    public required DateOnly AsOf { get; init; }
}
