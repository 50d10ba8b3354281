using MailApi.Bench.Fuzz;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;
using Xunit;

namespace MailApi.Mail.Tests.Fuzzing;

/// <summary>
/// What earlier runs of <c>MailApi.Bench fuzz</c> kept, once more, and a moment of what it does for as long as one likes. <c>MAILAPI_SAMPLES</c> makes it longer (<see cref="Samples"/>).
/// </summary>
public sealed class FuzzingTests
{
    private const int Seed = 20261130;
    private static readonly TimeSpan Moment = TimeSpan.FromMinutes(5);

    public static TheoryData<string> Names => [.. Targets.All.Keys.Order(StringComparer.Ordinal)];

    [Trait("Takes", "seconds")]
    [Theory]
    [MemberData(nameof(Names))]
    public void No_input_breaks_hangs_or_swells_a_reader(string name)
    {
        Assert.NotEmpty(Corpus.Read(name));
        var report = new Fuzzer(Targets.All[name](), Seed) { ChangedMax = Samples.Of(150) }.Run(Moment);

        Assert.True(report.Finding is null, $"seed {Seed}, input {report.Finding?.Iteration}: {report.Finding?.What}\n{Convert.ToBase64String(report.Finding?.Input ?? [])}");
        // They reach more than one corner of it.
        Assert.True(report.Outcomes > 4, $"{report.Outcomes} outcomes");
    }

    [Fact]
    public void What_breaks_is_found()
    {
        var target = new FuzzTarget { Name = "fragile", Seeds = ["abc\r\n"u8.ToArray()], Try = input => input.Length > 100 && input[^1] != '\n' ? throw new FormatException() : $"{input.Length / 20}" };
        Assert.IsType<FuzzFinding>(new Fuzzer(target, Seed).Run(Moment).Finding);
    }

    [Fact]
    public void What_swells_is_found()
    {
        var target = new FuzzTarget { Name = "greedy", Seeds = ["abc\r\n"u8.ToArray()], Try = input => $"{new byte[input.Length * 1000].Length > 0}", AllocatedBytesMax = 1 << 20, AllocatedBytesPerOctetMax = 10 };
        Assert.Contains("allocates", new Fuzzer(target, Seed).Run(Moment).Finding?.What, StringComparison.Ordinal);
    }
}
