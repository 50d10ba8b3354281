using System.Collections.Frozen;
using MailApi.Mail.Reports;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>What is fuzzed, by name: each with its seeds and its words. MailApi.Mail.Tests runs each of them for a moment, <c>fuzz</c> for as long as it is told.</summary>
internal static class Targets
{
    public static readonly FrozenDictionary<string, Func<FuzzTarget>> All = new Dictionary<string, Func<FuzzTarget>>
    {
        ["returned"] = () => new FuzzTarget { Name = "returned", Seeds = Files("returned", "*.eml"), Try = ReturnedTarget.Try, Words = ReturnedTarget.Words },
        ["smtp"] = () => new FuzzTarget { Name = "smtp", Seeds = Files("smtp", "*.smtp"), Try = SmtpTarget.Try, Words = SmtpTarget.Words },
        ["dmarc"] = () => new FuzzTarget { Name = "dmarc", Seeds = Files("reports", "*.xml"), Try = ReportTarget.TryDmarc, Words = ReportTarget.DmarcWords },
        ["tls-report"] = () => new FuzzTarget { Name = "tls-report", Seeds = Files("reports", "*.json"), Try = ReportTarget.TryTls, Words = ReportTarget.TlsWords },
        // A packed report grows by as much as its reader allows.
        ["report-file"] = () => new FuzzTarget { Name = "report-file", Seeds = Files("reports", "*"), Try = ReportTarget.TryFile, AllocatedBytesPerOctetMax = 200 * (ReportLimits.RatioMax + 1) },
    }.ToFrozenDictionary();

    /// <summary>Files of a folder of MailApi.Mail.Tests' test data, in their order.</summary>
    private static byte[][] Files(string folder, string pattern) =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "tests/MailApi.Mail.Tests/testdata", folder), pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
}
