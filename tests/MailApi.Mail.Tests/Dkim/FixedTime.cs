namespace MailApi.Mail.Tests.Dkim;

/// <summary>A clock that stands.</summary>
internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public static FixedTime Now { get; } = new(new DateTimeOffset(2026, 11, 20, 9, 30, 0, TimeSpan.Zero));

    public override DateTimeOffset GetUtcNow() => now;

    public FixedTime Later(TimeSpan by) => new(now + by);
}
