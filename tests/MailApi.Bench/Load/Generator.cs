using System.Globalization;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>A program that sends so many messages as fast as they are taken, and lives on afterwards, so that what it used can be read.</summary>
internal sealed class Generator : IAsyncDisposable
{
    private const string Finished = "everything was answered";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);
    private readonly TempDirectory directory;
    private readonly ChildProcess process;

    private Generator(TempDirectory directory, Launch launch) => (this.directory, process) = (directory, ChildProcess.Start(launch, directory["output"]));

    public int Pid => process.Pid;

    /// <summary>What it said.</summary>
    public string Output => process.Output;

    /// <summary>
    /// <c>wrk</c> → <c>POST /send</c>, with a script that makes every message unique and asks nothing more after the last one.
    /// </summary>
    /// <param name="installation">Whom to ask, and for whom.</param>
    /// <param name="template">Of the messages.</param>
    /// <param name="messages">How many.</param>
    /// <param name="recipients">Of each.</param>
    /// <param name="connections">Requests at a time.</param>
    /// <param name="label">In the recipients' local parts.</param>
    public static Generator Wrk(Installation installation, Template template, int messages, int recipients, int connections, string label)
    {
        var directory = new TempDirectory();
        directory.Write("senders", string.Concat(installation.Senders.Select(sender => $"{sender.Key} {sender.Domain}\n")));
        directory.Write("sites", string.Concat(installation.Sites.Select(site => $"{site}\n")));
        directory.Write("template", template.Json);
        var script = Path.Combine(Repository.Root, "tests/MailApi.Bench/Load/send.lua");
        return new Generator(directory, new Launch(Programs.Wrk.Path, "-t", "1", "-c", Text(connections), "-d", Text((int)Patience.TotalSeconds), "--timeout", "60",
            "-s", script, installation.Api.BaseAddress.ToString(), "--", directory.Path, Text(messages), Text(recipients), label));
    }

    /// <summary>One <c>smtp-source</c> for each sending domain, all at once: each knows one sender, and one recipient whose address it numbers.</summary>
    /// <param name="port">Of the mail server, on loopback.</param>
    /// <param name="domains">Sending domains with the recipient domain that each sends to.</param>
    /// <param name="messages">How many, over all domains.</param>
    /// <param name="sessions">Connections, over all domains, kept open.</param>
    /// <param name="sizeBytes">Of the body.</param>
    /// <param name="label">In the recipients' local parts.</param>
    public static Generator SmtpSource(int port, IReadOnlyList<(string Sender, string Site)> domains, int messages, int sessions, int sizeBytes, string label)
    {
        var commands = domains.Select((domain, index) => string.Create(CultureInfo.InvariantCulture,
            $"{Programs.SmtpSource.Path} -d -N -s {Math.Max(1, sessions / domains.Count)} -m {Share(messages, domains.Count, index)} -l {sizeBytes} -f orders@{domain.Sender} -t {label}@{domain.Site} 127.0.0.1:{port} &\n"));
        // The shell has waited for them, so what they used counts as its own; what it becomes keeps that.
        return new Generator(new TempDirectory(), new Launch("/bin/sh", "-c", $"{string.Concat(commands)}wait\necho '{Finished}'\nexec sleep {Text((int)Patience.TotalSeconds)}"));
    }

    /// <summary>Waits until the last message has its answer.</summary>
    public Task WaitUntilFinished() => Eventually.HoldsAsync(() => process.HasExited || process.Output.Contains(Finished, StringComparison.Ordinal), Patience,
        $"the generator has finished: {process.Output}", CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        directory.Dispose();
    }

    private static int Share(int messages, int parts, int index) => (messages / parts) + (index < messages % parts ? 1 : 0);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
