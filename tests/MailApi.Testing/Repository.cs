namespace MailApi.Testing;

/// <summary>The working copy that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The directory of <c>MailApi.sln</c>.</summary>
    public static string Root { get; } = Find();

    /// <summary>The 1,000 bodies for <c>POST /send</c> of <c>tests/testdata/orders.jsonl</c>.</summary>
    public static IReadOnlyList<string> Orders() => File.ReadAllLines(Path.Combine(Root, "tests/testdata/orders.jsonl"));

    /// <summary>As <c>git describe</c> names it; <c>-dirty</c> behind it where something is not committed.</summary>
    public static async Task<string> Commit() => (await Command.RunAsync(new Launch("git", "describe", "--always", "--dirty") { WorkingDirectory = Root }, CancellationToken.None)).Trim();

    private static string Find()
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "MailApi.sln"))) return directory;
        }
        throw new DirectoryNotFoundException($"No MailApi.sln above {AppContext.BaseDirectory}.");
    }
}
