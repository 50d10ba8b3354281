using System.Text.RegularExpressions;
using MailApi.Api;
using MailApi.Tests.Architecture;
using Xunit;

namespace MailApi.Tests.Packaging;

/// <summary><c>contracts/errors.md</c> is what a client's programmer reads of <see cref="Problem"/>.</summary>
public sealed partial class ErrorCatalogueTests
{
    private static readonly string Catalogue = Repository.Read("contracts/errors.md");
    private static readonly Dictionary<string, string> Sections = Section().Matches(Catalogue).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Trim());

    public static TheoryData<string> Types => [.. Problem.All.Select(problem => problem.Type)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_type_is_explained_with_its_address_status_and_title(string type)
    {
        var problem = Problem.All.Single(known => known.Type == type);
        var lines = Assert.Contains(type, (IDictionary<string, string>)Sections).Split('\n');

        Assert.Equal($"`{Problem.TypeBase}{type}` · **{problem.Status}** · {problem.Title}", lines[0]);
        Assert.Contains(lines, line => line.StartsWith("*When:* ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("*What to do:* ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_catalogue_holds_what_exists_in_the_order_of_the_code()
    {
        Assert.Equal(Problem.All.Select(problem => problem.Type), Sections.Keys);
    }

    [Fact]
    public void Every_problem_of_the_code_is_in_its_list()
    {
        var declared = typeof(Problem).GetFields().Where(field => field.FieldType == typeof(Problem)).Select(field => (Problem)field.GetValue(null)!);
        Assert.Equal(declared, Problem.All);
        Assert.Equal(Problem.All.Count, Problem.All.DistinctBy(problem => problem.Type).Count());
    }

    [GeneratedRegex(@"^## ([^\n]+)\n(.*?)(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Section();
}
