using System.Globalization;
using System.Security.Cryptography;

namespace MailApi.Bench;

/// <summary>What a figure is worth depends on where, and beside what, it was measured.</summary>
internal static class Machine
{
    private const int Signatures = 500;

    public static string Description { get; } = Describe();

    private static string Describe()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        return $"{Environment.ProcessorCount} × {model}, .NET {Environment.Version}, load average {Load}, {Yardstick():0} RSA-2048 signatures a second of processor time";
    }

    /// <summary>
    /// How fast a core is at this moment: beside busy neighbours a virtual core does a fraction of its best, and every figure of
    /// processor time grows by as much.
    /// </summary>
    public static double Yardstick()
    {
        using var rsa = RSA.Create(2048);
        var digest = new byte[SHA256.HashSizeInBytes];
        Sign(); // makes the key
        var before = Environment.CpuUsage.TotalTime;
        for (var signature = 0; signature < Signatures; signature++) Sign();
        return Signatures / (Environment.CpuUsage.TotalTime - before).TotalSeconds;

        void Sign() => rsa.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <summary>The load average of the last minute.</summary>
    public static string Load => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>Processor time that all processes of the machine have used (proc_stat(5): user, nice, system, irq, softirq).</summary>
    public static TimeSpan Busy()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return CpuMeter.FromTicks(new[] { 1, 2, 3, 6, 7 }.Sum(field => long.Parse(fields[field], CultureInfo.InvariantCulture)));
    }
}
