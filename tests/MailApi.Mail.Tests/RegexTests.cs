using System.Reflection;
using System.Text.RegularExpressions;
using MailApi.Mail.Smtp;
using MailApi.Testing.Fuzzing;
using Xunit;

namespace MailApi.Mail.Tests;

/// <summary>S-25: a text from outside on which a pattern takes for ever.</summary>
public sealed class RegexTests
{
    private const int Octets = 64 << 10;

    /// <summary>Of the processor, whatever else the machine does.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    /// <summary>What patterns repeat, alternate or anchor at here, over and over, with something that fits nothing at the end.</summary>
    private static readonly string[] Pieces =
        ["a", "0", "5", ".", " ", "\n", "-", ":", "/", "//", "/1", "5.1.1 ", "550 ", "550-5.1.1 ", "a@", "@", "a.b", "a.", "host ", "host a.b", "\\x{41}", "[TSS", "HL:IT", "too many ", "limit", "25", "255.", "收件人", "=", "\"", "(", "<a@b.example>: "];

    public static TheoryData<string> Names => [.. Patterns.Keys];

    private static SortedDictionary<string, Regex> Patterns { get; } = Find();

    [Fact]
    public void No_pattern_can_go_back()
    {
        Assert.True(Patterns.Count > 20, $"{Patterns.Count} patterns found");
        Assert.Empty(Patterns.Where(pattern => !pattern.Value.Options.HasFlag(RegexOptions.NonBacktracking)).Select(pattern => pattern.Key));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Text_made_to_be_slow_is_not(string name)
    {
        var pattern = Patterns[name];
        foreach (var piece in Pieces)
        {
            var text = string.Concat(Enumerable.Repeat(piece, Octets / piece.Length)) + "\u0001";
            _ = pattern.IsMatch(text);
            var taken = Enumerable.Range(0, 3).Min(_ =>
            {
                var began = ThreadTime.Now;
                Assert.NotNull(pattern.Match(text));
                return ThreadTime.Now - began;
            });
            Assert.True(taken < Patience, $"{taken} for '{piece}'");
        }
    }

    /// <summary>Those that are generated, and those that a static field or a row of a table holds.</summary>
    private static SortedDictionary<string, Regex> Find()
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var found = new SortedDictionary<string, Regex>(StringComparer.Ordinal);
        foreach (var type in typeof(Reply).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("MailApi", StringComparison.Ordinal) == true))
        {
            foreach (var method in type.GetMethods(Any).Where(method => method.IsDefined(typeof(GeneratedRegexAttribute)))) found[$"{type.Name}.{method.Name}"] = (Regex)method.Invoke(null, null)!;
            foreach (var field in type.GetFields(Any).Where(field => field.IsStatic && field.FieldType == typeof(Regex))) found[$"{type.Name}.{field.Name}"] = (Regex)field.GetValue(null)!;
            // Nothing else may hold one: it would not be looked at here.
            Assert.DoesNotContain(type.GetFields(Any), field => !field.IsStatic && field.FieldType == typeof(Regex));
        }
        return found;
    }
}
