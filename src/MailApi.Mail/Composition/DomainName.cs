using System.Diagnostics.CodeAnalysis;

namespace MailApi.Mail.Composition;

/// <summary>Host names of mail: UTS-46 to lower-case A-labels, LDH, at least two labels, no trailing dot, at most 253 octets.</summary>
public static class DomainName
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out string? aLabels) => throw new NotSupportedException();
}
