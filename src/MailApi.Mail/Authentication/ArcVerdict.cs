namespace MailApi.Mail.Authentication;

/// <summary>The state of a message's Authenticated Received Chain (RFC 8617 §5.2).</summary>
/// <param name="Result"><c>none, pass, fail</c>.</param>
/// <param name="Sets">How many relays sealed it.</param>
/// <param name="Sealer">The domain of the last seal; empty for none.</param>
/// <param name="Reason">Why, when it fails.</param>
public sealed record ArcVerdict(AuthenticationResult Result, int Sets, string Sealer, string? Reason);
