namespace MailApi.Proof.Loading;

/// <summary>What is asked of the system, and how fast. Everything else follows from the seed.</summary>
public sealed record LoadOptions
{
    public double MessagesPerSecond { get; init; } = 30;

    /// <summary>The load ends after so many, or when it is told to.</summary>
    public int MessagesMax { get; init; } = int.MaxValue;

    public int Tenants { get; init; } = 3;

    /// <summary>The sending rate of the last tenant's domain, which is held to it; the others may do what they want.</summary>
    public int LimitedPerSecond { get; init; } = 25;

    /// <summary>Recipients whose server does something else than take the mail.</summary>
    public double OddShare { get; init; } = 0.15;

    /// <summary>Messages with <c>onUncertain: hold</c>.</summary>
    public double HoldShare { get; init; } = 0.2;

    /// <summary>Messages sent under an idempotency key, again and again until they are answered.</summary>
    public double KeyedShare { get; init; } = 0.8;

    /// <summary>Of those, sent by several clients at the same time.</summary>
    public double RepeatShare { get; init; } = 0.1;

    public int RecipientsMax { get; init; } = 4;

    /// <summary>Of a message's text; at least half as many.</summary>
    public int LinesMax { get; init; } = 40;

    /// <summary>What odd servers do; words of the sink's script.</summary>
    public IReadOnlyList<string> Scripts { get; init; } =
    [
        "451-1@defer", "421-1@defer", "dot-451-1@defer", "550@refuse", "dot-550@refuse", "tarpit-1@slow", "slow-read-1@slow", "garbage-1@odd", "reset-before-dot-1@odd",
        "reset-after-dot-kept-1@odd", "reset-after-dot-dropped-1@odd", "lost-250-1@odd", "hold-dot-1@held",
    ];
}
