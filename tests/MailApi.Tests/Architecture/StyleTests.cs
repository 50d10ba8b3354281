using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using MailApi.Api;
using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Tests.Architecture;

public sealed partial class StyleTests
{
    private const int FileLinesMax = 400;
    private const int FileLinesMedianMax = 100;
    private const int MethodLinesMax = 70;

    private static readonly Assembly[] Assemblies = [typeof(Problem).Assembly, typeof(Draft).Assembly];

    /// <summary>The types of <c>src</c> that a person wrote.</summary>
    private static readonly Type[] Types = [.. Assemblies.SelectMany(assembly => assembly.GetTypes())
        .Where(type => type.Namespace?.StartsWith("MailApi", StringComparison.Ordinal) == true)
        .Where(type => !type.IsDefined(typeof(CompilerGeneratedAttribute), false) && !type.Name.Contains('<'))];

    [Fact]
    public void No_file_is_longer_than_a_reader_can_hold()
    {
        Rule.Holds(Repository.Sources.Where(source => Lines(source.Value) > FileLinesMax).Select(source => $"{source.Key}: {Lines(source.Value)} lines"));
    }

    [Fact]
    public void Half_of_the_files_fit_on_two_screens()
    {
        var lengths = Repository.Sources.Values.Select(Lines).Order().ToArray();
        Assert.InRange(lengths[lengths.Length / 2], 1, FileLinesMedianMax);
    }

    [Fact]
    public void No_method_is_longer_than_a_screen()
    {
        var methods = Assemblies.SelectMany(assembly => MethodLengths.In(assembly.Location)).ToList();
        Assert.NotEmpty(methods);
        Rule.Holds(methods.Where(method => method.Lines > MethodLinesMax).Select(method => $"{method.Where}: {method.Lines} lines"));
    }

    [Fact]
    public void Types_are_named_after_the_thing_or_the_verb()
    {
        Rule.Holds(Types.Where(type => VagueName().IsMatch(type.Name)).Select(type => type.FullName));
    }

    [Fact]
    public void Files_and_folders_are_named_after_what_is_in_them()
    {
        Assert.DoesNotContain(Repository.Sources.Keys, path => path.Split('/').Any(part => part is "Common" or "Shared" or "Misc" or "Extensions.cs" or "Constants.cs"));
    }

    [Fact]
    public void An_interface_has_two_bodies()
    {
        // Static abstract members are for generic code over values (ids that print themselves), not for substitution.
        var lonely = from type in Types
                     where type.IsInterface && !type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Any(method => method.IsAbstract)
                     where Types.Count(body => !body.IsInterface && !body.IsAbstract && body.GetInterfaces().Any(implemented => Definition(implemented) == type)) < 2
                     select type.FullName;
        Rule.Holds(lonely);
    }

    [Fact]
    public void Nothing_is_left_to_do()
    {
        Rule.Holds(Matches(Unfinished()));
    }

    [Fact]
    public void Nothing_is_caught_and_forgotten()
    {
        Rule.Holds(Matches(ForgottenCatch()));
    }

    [Theory]
    [InlineData("catch { }")]
    [InlineData("catch\n{\n}")]
    [InlineData("catch (Exception) { }")]
    [InlineData("catch (Exception e)\n{ // never mind\n}")]
    [InlineData("catch (IOException)\n    {\n    }")]
    [InlineData("catch { return default; }")]
    [InlineData("catch (Exception) { return null; }")]
    public void A_forgotten_catch_is_recognised(string code) => Assert.Matches(ForgottenCatch(), code);

    [Theory]
    [InlineData("catch (IOException)\n{\n    // The peer is gone, and so is the reason to say goodbye.\n}")]
    [InlineData("catch (Exception e) { Log.Failed(logger, e); }")]
    [InlineData("catch (FormatException) { return null; }")]
    [InlineData("catch (OperationCanceledException) when (ct.IsCancellationRequested) { }")]
    [InlineData("catch (Exception e) when (e is IOException or SocketException) { }")]
    public void A_considered_catch_is_let_be(string code) => Assert.DoesNotMatch(ForgottenCatch(), code);

    private static IEnumerable<string> Matches(Regex pattern) =>
        from source in Repository.Sources
        from Match match in pattern.Matches(source.Value)
        select $"{source.Key}:{source.Value.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value}";

    private static int Lines(string text) => text.AsSpan().TrimEnd('\n').Count('\n') + 1;

    private static Type Definition(Type type) => type.IsGenericType ? type.GetGenericTypeDefinition() : type;

    [GeneratedRegex(@"(Service|Services|Manager|Helper|Helpers|Util|Utils|Utility|Utilities|Processor|Impl)(`\d+)?$")]
    private static partial Regex VagueName();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex Unfinished();

    // Either everything is caught, and the block is empty, holds only comments, or only returns nothing; or something is named,
    // and it is said neither when nor why that is nothing.
    [GeneratedRegex("""
        \bcatch\s*(\(\s*(System\.)?Exception(\s+\w+)?\s*\)\s*)?\{\s*((//[^\n]*\n|/\*.*?\*/)\s*)*(return\s*(default|null|false)?\s*;\s*)?\}
        |\bcatch\s*\([^)]*\)\s*\{\s*\}
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.Singleline)]
    private static partial Regex ForgottenCatch();
}
