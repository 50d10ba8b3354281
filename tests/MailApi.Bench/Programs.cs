using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>What a run needs beside itself.</summary>
internal static class Programs
{
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(10);

    public static readonly Needed SmtpSink = new("/usr/sbin/smtp-sink", "postfix");
    public static readonly Needed SmtpSource = new("/usr/sbin/smtp-source", "postfix");
    public static readonly Needed Postfix = new("/usr/sbin/postfix", "postfix");
    public static readonly Needed OpenDkim = new("/usr/sbin/opendkim", "opendkim");
    public static readonly Needed Wrk = new("/usr/bin/wrk", "wrk");
    public static readonly Needed Npm = new("/usr/bin/npm", "npm");
    public static readonly Needed RabbitMq = new("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server");
    public static readonly Needed PostgreSql = new("/usr/bin/pg_ctlcluster", "postgresql");
    public static readonly Needed Redis = new("/usr/bin/redis-server", "redis-server");

    /// <summary>What to install, or null where everything is there.</summary>
    public static string? Missing(params IReadOnlyList<Needed> needed)
    {
        var packages = needed.Where(it => !File.Exists(it.Path)).Select(it => it.Package).Distinct().ToList();
        return packages.Count == 0 ? null : $"apt-get install {string.Join(' ', packages)}";
    }

    /// <summary>Publishes the program as it is in the working copy, unless <c>MAILAPI_BINARY</c> names another.</summary>
    /// <exception cref="InvalidOperationException">It does not build.</exception>
    public static async Task Publish()
    {
        if (Environment.GetEnvironmentVariable("MAILAPI_BINARY") is { Length: > 0 }) return;
        Console.WriteLine("Publishing the program …");
        await Run(new Launch("dotnet", "publish", "src/MailApi", "-c", "Release", "-o", "artifacts/publish", "-v", "q", "--nologo") { WorkingDirectory = Repository.Root });
    }

    /// <summary>Runs a program that may take minutes.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message holds its output.</exception>
    public static async Task Run(Launch launch)
    {
        using var directory = new TempDirectory();
        await using var process = ChildProcess.Start(launch, directory["output"]);
        if (await process.WaitForExitAsync(BuildPatience, CancellationToken.None) != 0) throw new InvalidOperationException($"{launch} failed:\n{process.Output}");
    }

    /// <summary>The upstream version of an installed Debian package.</summary>
    public static async Task<string> Version(string package) =>
        (await FirstLine(new Launch("dpkg-query", "-W", "-f=${Version}", package))).Split(':')[^1].Split('-', '+')[0];

    /// <summary>The first line that a program prints, such as its version; or why there is none.</summary>
    public static async Task<string> FirstLine(Launch launch)
    {
        try
        {
            return (await Command.RunAsync(launch, CancellationToken.None)).Split('\n')[0].Trim();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return e.Message.Split('\n')[0];
        }
    }
}

/// <summary>A program and the Debian package that has it.</summary>
internal sealed record Needed(string Path, string Package);
