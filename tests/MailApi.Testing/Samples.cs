using System.Globalization;

namespace MailApi.Testing;

/// <summary>
/// How many random cases a property is held to: few in an ordinary run, so that a class of properties takes a few seconds. <c>MAILAPI_SAMPLES=200</c> in the
/// environment makes it two hundred times as many. A failure prints the seed of its smallest case, and <c>CsCheck_Seed=…</c> begins with that one.
/// </summary>
public static class Samples
{
    private static readonly int Factor = int.TryParse(Environment.GetEnvironmentVariable("MAILAPI_SAMPLES"), NumberStyles.None, CultureInfo.InvariantCulture, out var factor) ? factor : 1;

    public static long Of(int ordinarily) => (long)ordinarily * Factor;
}
