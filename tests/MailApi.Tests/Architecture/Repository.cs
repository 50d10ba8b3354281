namespace MailApi.Tests.Architecture;

/// <summary>The files that these tests were built from, found by walking up to the solution.</summary>
internal static class Repository
{
    public static readonly string Root = Find();

    /// <summary>Every C# file under <c>src</c> that a person wrote, by its path from the root with forward slashes.</summary>
    public static IReadOnlyDictionary<string, string> Sources { get; } = Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj"))
        .Order(StringComparer.Ordinal)
        .ToDictionary(path => path, Read);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "MailApi.sln"))) return directory.FullName;
        throw new InvalidOperationException($"No MailApi.sln above {AppContext.BaseDirectory}.");
    }
}
