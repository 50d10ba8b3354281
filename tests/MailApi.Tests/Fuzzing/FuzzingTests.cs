using MailApi.Bench.Fuzz.Service;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;

namespace MailApi.Tests.Fuzzing;

/// <summary>
/// What earlier runs of <c>MailApi.Bench fuzz</c> kept, once more, and a moment of what it does for as long as one likes. <c>MAILAPI_SAMPLES</c> makes it longer (<see cref="Samples"/>).
/// </summary>
public sealed class FuzzingTests
{
    private const int Seed = 20261130;
    private static readonly TimeSpan Moment = TimeSpan.FromMinutes(5);

    public static TheoryData<string> Names => [.. ServiceTargets.All.Keys.Order(StringComparer.Ordinal)];

    [Trait("Takes", "seconds")]
    [Theory]
    [MemberData(nameof(Names))]
    public void No_input_breaks_hangs_or_swells_a_reader(string name)
    {
        Assert.NotEmpty(Corpus.Read(name));
        var report = new Fuzzer(ServiceTargets.All[name](), Seed) { ChangedMax = Samples.Of(400) }.Run(Moment);

        Assert.True(report.Finding is null, $"seed {Seed}, input {report.Finding?.Iteration}: {report.Finding?.What}\n{Convert.ToBase64String(report.Finding?.Input ?? [])}");
        // They reach more than one corner of it.
        Assert.True(report.Outcomes > 4, $"{report.Outcomes} outcomes");
    }
}
