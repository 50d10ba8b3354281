using System.Diagnostics.CodeAnalysis;

namespace MailApi.Mail.Composition;

/// <summary>An address with an optional display name: <c>Ann &lt;ann@example.net&gt;</c>.</summary>
public sealed record Mailbox(string? DisplayName, EmailAddress Address)
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out Mailbox? mailbox) => throw new NotSupportedException();
}
