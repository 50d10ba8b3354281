using System.Text.RegularExpressions;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Packaging;

/// <summary>One instruction: <c>COPY</c>, and what follows with its continued lines joined.</summary>
internal sealed record Instruction(string Name, string Arguments)
{
    /// <summary>The arguments that are no <c>--option</c>.</summary>
    public string[] Words => [.. Arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => !word.StartsWith("--", StringComparison.Ordinal))];
}

/// <summary>The repository's Dockerfile, as instructions by stage.</summary>
internal static partial class Dockerfile
{
    public static IReadOnlyList<Instruction> Instructions { get; } =
    [
        .. Continuation().Replace(CommentLine().Replace(Repository.Read("Dockerfile"), ""), " ").Split('\n')
            .Where(line => line.Trim().Length > 0)
            .Select(line => line.Split(' ', 2))
            .Select(parts => new Instruction(parts[0], parts[1].Trim())),
    ];

    /// <summary>From the last FROM on: what is shipped.</summary>
    public static IReadOnlyList<Instruction> Shipped { get; } = [.. Instructions.Skip(Instructions.ToList().FindLastIndex(instruction => instruction.Name == "FROM"))];

    [GeneratedRegex(@"^#[^\n]*\n", RegexOptions.Multiline)]
    private static partial Regex CommentLine();

    [GeneratedRegex(@"\s*\\\n\s*")]
    private static partial Regex Continuation();
}
