using System.Text.RegularExpressions;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Security;

/// <summary>SECURITY.md names code and tests; what it names is there.</summary>
public sealed partial class SecurityPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Testing.Repository.Root, "SECURITY.md"));

    private static readonly string[] TestFiles = Directory.GetFiles(Path.Combine(Testing.Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)).ToArray();

    private static IReadOnlyList<Row> Rows { get; } = [.. RowLine().Matches(Page).Select(match => new Row(match.Groups["id"].Value, Quoted(match.Groups["code"].Value), Quoted(match.Groups["tests"].Value)))];

    [Fact]
    public void Every_row_has_its_own_id_in_order_and_names_code_and_tests()
    {
        Assert.InRange(Rows.Count, 30, 60);
        Assert.Equal(Page.Split('\n').Count(line => line.StartsWith("| S-", StringComparison.Ordinal)), Rows.Count);
        Assert.Equal(Rows.Select(row => row.Id).Distinct().Order(StringComparer.Ordinal), Rows.Select(row => row.Id));
        Assert.All(Rows, row => Assert.True(row.Code.Count > 0 && row.Tests.Count > 0, row.Id));
    }

    [Fact]
    public void The_code_that_it_names_is_there() => Rule.Holds(
        from row in Rows from path in row.Code where !Path.Exists(Path.Combine(Testing.Repository.Root, path)) select $"{row.Id}: {path}");

    [Fact]
    public void The_tests_that_it_names_are_there_and_are_tests() => Rule.Holds(from row in Rows from name in row.Tests where Flaw(name) is not null select $"{row.Id}: {name}: {Flaw(name)}");

    [Theory]
    [InlineData("Http/ScopeTests.No_such_method", "no such test")]
    [InlineData("Http/ScopeTests.TenantRoutes", "no such test")]
    [InlineData("Http/NoSuchTests.Anything", "no such file")]
    [InlineData("SmugglingTests.Anything", "several such files")]
    public void A_name_of_nothing_is_noticed(string name, string flaw) => Assert.Equal(flaw, Flaw(name));

    [Fact]
    public void Every_id_that_a_test_names_is_a_row() => Rule.Holds(
        from file in TestFiles
        from Match match in Mention().Matches(File.ReadAllText(file))
        where Rows.All(row => row.Id != match.Value)
        select $"{file}: {match.Value}");

    /// <summary><c>Http/ScopeTests.Method</c>: the end of one file's path, and a method in it that runs as a test.</summary>
    private static string? Flaw(string name)
    {
        var dot = name.LastIndexOf('.');
        var files = TestFiles.Where(file => file.EndsWith($"/{name[..dot]}.cs", StringComparison.Ordinal)).ToList();
        if (files.Count != 1) return files.Count == 0 ? "no such file" : "several such files";
        var test = new Regex($@"\[(Fact|Theory)\b[^;{{}}]*\bpublic (async )?(void|Task) {Regex.Escape(name[(dot + 1)..])}\(", RegexOptions.Singleline);
        return test.IsMatch(Attributed().Replace(File.ReadAllText(files[0]), "[$1]")) ? null : "no such test";
    }

    private static List<string> Quoted(string cell) => [.. Code().Matches(cell).Select(match => match.Groups[1].Value)];

    private sealed record Row(string Id, IReadOnlyList<string> Code, IReadOnlyList<string> Tests);

    [GeneratedRegex(@"^\| (?<id>S-\d\d) \| [^|]+ \| [^|]+ \| (?<code>[^|]+) \| (?<tests>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex RowLine();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\bS-\d\d\b(?=[:,]| and)")]
    private static partial Regex Mention();

    /// <summary>The data of theories holds every character.</summary>
    [GeneratedRegex(@"^\s*\[(Fact|Theory|InlineData|MemberData).*\]\s*$", RegexOptions.Multiline)]
    private static partial Regex Attributed();
}
