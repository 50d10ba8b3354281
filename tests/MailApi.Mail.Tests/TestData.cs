using System.Runtime.CompilerServices;

namespace MailApi.Mail.Tests;

/// <summary>The files beside these sources.</summary>
internal static class TestData
{
    private static readonly string Root = Path.Combine(Path.GetDirectoryName(Here())!, "testdata");

    /// <summary>The path of a file or folder of <c>testdata</c>.</summary>
    public static string At(string name) => Path.Combine(Root, name);

    /// <summary>The rows of a tab-separated file, without blank lines and comments; <c>\uXXXX</c> stands for a character.</summary>
    public static IEnumerable<string[]> Rows(string name) => File.ReadLines(At(name))
        .Where(line => line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal))
        .Select(line => line.Split('\t').Select(cell => System.Text.RegularExpressions.Regex.Replace(cell, @"\\u([0-9A-F]{4})",
            match => ((char)Convert.ToInt32(match.Groups[1].Value, 16)).ToString())).ToArray());

    private static string Here([CallerFilePath] string path = "") => path;
}
