using Xunit;

namespace MailApi.Tests.Architecture;

internal static class Rule
{
    /// <summary>Fails with every violation, at full length.</summary>
    public static void Holds(IEnumerable<string?> violations)
    {
        var found = violations.ToList();
        Assert.True(found.Count == 0, $"{found.Count} violations:{string.Concat(found.Select(violation => $"\n  {violation}"))}");
    }
}
