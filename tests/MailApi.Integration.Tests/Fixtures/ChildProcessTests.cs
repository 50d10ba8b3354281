using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class ChildProcessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();

    [Theory]
    [InlineData("sleep 1000 & echo $!; exec sleep 1000")]
    [InlineData("setsid sleep 1000 & echo $!; wait")]
    public async Task Takes_along_what_it_has_started_also_into_other_sessions(string script)
    {
        await using var process = Start(script);
        var child = await FirstLineAsync(process);
        // While it becomes another program it has no command line.
        await Eventually.HoldsAsync(() => Task.FromResult(Runs(child)), Patience, "the child runs", TestContext.Current.CancellationToken);

        Assert.True(await process.StopAsync(Patience));

        Assert.False(Runs(child));
    }

    [Fact]
    public async Task Kills_what_does_not_end_by_itself()
    {
        await using var process = Start("trap '' TERM; echo deaf; while :; do sleep 1; done");
        await FirstLineAsync(process);

        Assert.False(await process.StopAsync(TimeSpan.FromMilliseconds(200)));

        Assert.True(process.HasExited);
    }

    [Fact]
    public async Task Shows_the_output_of_a_program_that_ends_while_starting()
    {
        await using var process = Start("echo the reason; exit 3");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => process.WaitUntilReadyAsync(_ => Task.FromResult(false), Patience, TestContext.Current.CancellationToken));

        Assert.Contains("code 3", failure.Message, StringComparison.Ordinal);
        Assert.Contains("the reason", failure.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Dispose();

    private ChildProcess Start(string script) => ChildProcess.Start(new Launch("sh", "-c", script), _directory["output"]);

    /// <summary>A process that has ended and that nobody has asked about yet has no command line any more.</summary>
    private static bool Runs(string pid) => File.Exists($"/proc/{pid}/cmdline") && File.ReadAllBytes($"/proc/{pid}/cmdline").Length > 0;

    private static async Task<string> FirstLineAsync(ChildProcess process)
    {
        await process.WaitUntilReadyAsync(_ => Task.FromResult(process.Output.EndsWith('\n')), Patience, TestContext.Current.CancellationToken);
        return process.Output.TrimEnd();
    }
}
