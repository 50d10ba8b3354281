using System.Reflection;
using System.Text.RegularExpressions;
using MailApi.Api;

namespace MailApi.Tests.Http;

/// <summary>S-25: a text of a caller's on which a pattern takes for ever.</summary>
public sealed class PatternTests
{
    [Fact]
    public void No_pattern_can_go_back()
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var types = typeof(Problem).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("MailApi", StringComparison.Ordinal) == true).ToList();
        var patterns = types.SelectMany(type => type.GetMethods(Any)).Where(method => method.IsDefined(typeof(GeneratedRegexAttribute))).ToDictionary(method => $"{method.DeclaringType}.{method.Name}", method => (Regex)method.Invoke(null, null)!);
        Assert.NotEmpty(patterns);
        Assert.Empty(patterns.Where(pattern => !pattern.Value.Options.HasFlag(RegexOptions.NonBacktracking)).Select(pattern => pattern.Key));
        Assert.Empty(types.SelectMany(type => type.GetFields(Any)).Where(field => field.FieldType == typeof(Regex)).Select(field => $"{field.DeclaringType}.{field.Name}"));
    }
}
