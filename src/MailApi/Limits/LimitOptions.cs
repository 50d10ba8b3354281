namespace MailApi.Limits;

/// <summary>Where permits are kept.</summary>
internal enum LimitsBackend
{
    /// <summary>In this process: for a service of one node.</summary>
    Local,

    /// <summary>In Redis, shared by all nodes.</summary>
    Redis,
}

internal sealed class LimitOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Limits";

    public LimitsBackend Backend { get; set; } = LimitsBackend.Local;

    /// <summary>A StackExchange.Redis configuration string, for <see cref="LimitsBackend.Redis"/>.</summary>
    public string? Redis { get; set; }

    /// <summary>
    /// The part of every rate that this node grants by itself while Redis is away. The default suits two delivering nodes; with more,
    /// one divided by their number keeps their sum within the budget.
    /// </summary>
    public double FallbackShare { get; set; } = 0.5;
}
