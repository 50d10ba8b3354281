using System.ComponentModel;
using System.Diagnostics;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>How a program ended: its code, and everything that it wrote.</summary>
internal sealed record Ending(int Code, string Output);

/// <summary>Runs a tool to its end.</summary>
internal static class Command
{
    public static readonly string Root = FindRoot();

    /// <summary>A null value takes the variable away.</summary>
    /// <exception cref="InvalidOperationException">The tool is not installed; tests/run.sh does that.</exception>
    public static async Task<Ending> Run(string tool, IEnumerable<string> arguments, string? directory = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(tool, arguments) { WorkingDirectory = directory ?? Root, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return new Ending(process.ExitCode, await output + await errors);
        }
        catch (Win32Exception error)
        {
            throw new InvalidOperationException($"{tool} cannot be started ({error.Message}): tests/run.sh installs it.", error);
        }
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "MailApi.sln"))) return directory.FullName;
        throw new InvalidOperationException($"No MailApi.sln above {AppContext.BaseDirectory}.");
    }
}
