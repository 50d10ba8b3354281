using System.Text;

namespace MailApi.Testing.Fuzzing;

/// <summary>
/// What runs of the fuzzer kept because each input of it went ways through the code that no other went: every later run, and the test suite, begins with it.
/// Inputs that broke something stand there too. One file a target, an input a line, in base64.
/// </summary>
public static class Corpus
{
    /// <summary>Of one input: what is short is read by people, too.</summary>
    public const int InputOctetsMax = 2 << 10;

    private const string Folder = "tests/MailApi.Bench/Fuzz/Corpus";

    public static IReadOnlyList<byte[]> Read(string target) => File.Exists(PathOf(target)) ? [.. File.ReadLines(PathOf(target)).Select(Convert.FromBase64String)] : [];

    public static void Write(string target, IEnumerable<byte[]> inputs)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(target))!);
        File.WriteAllText(PathOf(target), string.Concat(inputs.Select(Convert.ToBase64String).Order(StringComparer.Ordinal).Select(line => line + "\n")), Encoding.ASCII);
    }

    private static string PathOf(string target) => Path.Combine(Repository.Root, Folder, target + ".txt");
}
