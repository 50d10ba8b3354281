using System.Collections.Frozen;
using MailApi.Mail.Reports;
using MailApi.Testing;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>What of MailApi.Mail is fuzzed, by name: each with its seeds and its words. MailApi.Mail.Tests runs each of them for a moment, <c>fuzz</c> for as long as it is told.</summary>
internal static class Targets
{
    public static readonly FrozenDictionary<string, Func<FuzzTarget>> All = new Dictionary<string, Func<FuzzTarget>>
    {
        ["returned"] = () => new FuzzTarget { Name = "returned", Seeds = Files("returned", "*.eml"), Try = ReturnedTarget.Try, Words = ReturnedTarget.Words },
        ["smtp"] = () => new FuzzTarget { Name = "smtp", Seeds = Files("smtp", "*.smtp"), Try = SmtpTarget.Try, Words = SmtpTarget.Words },
        ["auth"] = () => new FuzzTarget { Name = "auth", Seeds = AuthTarget.Seeds, Try = AuthTarget.Try, Words = AuthTarget.Words },
        ["dmarc"] = () => new FuzzTarget { Name = "dmarc", Seeds = Files("reports", "*.xml"), Try = ReportTarget.TryDmarc, Words = ReportTarget.DmarcWords },
        ["tls-report"] = () => new FuzzTarget { Name = "tls-report", Seeds = Files("reports", "*.json"), Try = ReportTarget.TryTls, Words = ReportTarget.TlsWords },
        // A packed report grows by as much as its reader allows.
        ["report-file"] = () => new FuzzTarget { Name = "report-file", Seeds = Files("reports", "*"), Try = ReportTarget.TryFile, AllocatedBytesPerOctetMax = 200 * (ReportLimits.RatioMax + 1) },
        ["smtp-reply"] = () => new FuzzTarget { Name = "smtp-reply", Seeds = ReplyTarget.Seeds, Try = ReplyTarget.Try, Words = ReplyTarget.Words },
        ["relay-login"] = () => new FuzzTarget { Name = "relay-login", Seeds = ReplyTarget.LoginSeeds, Try = ReplyTarget.TryLogin, Words = ReplyTarget.LoginWords },
        ["spamd"] = () => new FuzzTarget { Name = "spamd", Seeds = SpamdTarget.Seeds, Try = SpamdTarget.Try, Words = SpamdTarget.Words },
        ["dns"] = () => new FuzzTarget { Name = "dns", Seeds = DnsTarget.Seeds, Try = DnsTarget.Try, Words = DnsTarget.Words },
        ["spf-record"] = () => new FuzzTarget { Name = "spf-record", Seeds = RecordTarget.SpfSeeds, Try = RecordTarget.TrySpf, Words = RecordTarget.SpfWords },
        ["dmarc-record"] = () => new FuzzTarget { Name = "dmarc-record", Seeds = RecordTarget.DmarcSeeds, Try = RecordTarget.TryDmarc, Words = RecordTarget.DmarcWords },
        ["dkim-key"] = () => new FuzzTarget { Name = "dkim-key", Seeds = RecordTarget.KeySeeds, Try = RecordTarget.TryKey, Words = RecordTarget.KeyWords },
        ["sts-policy"] = () => new FuzzTarget { Name = "sts-policy", Seeds = RecordTarget.StsSeeds, Try = RecordTarget.TrySts, Words = RecordTarget.StsWords },
        ["tlsrpt-record"] = () => new FuzzTarget { Name = "tlsrpt-record", Seeds = RecordTarget.TlsRptSeeds, Try = RecordTarget.TryTlsRpt, Words = RecordTarget.TlsRptWords },
        ["signature"] = () => new FuzzTarget { Name = "signature", Seeds = SignatureTarget.Seeds(Files("dkim", "0*.eml")), Try = SignatureTarget.Try, Words = SignatureTarget.Words },
        ["pem"] = () => new FuzzTarget { Name = "pem", Seeds = PemTarget.Seeds, Try = PemTarget.Try, Words = PemTarget.Words },
        // Some fifty readers, each with a look of its own at the text.
        ["preflight"] = () => new FuzzTarget { Name = "preflight", Seeds = Files("preflight", "*.eml"), Try = PreflightTarget.Try, Words = PreflightTarget.Words, AllocatedBytesPerOctetMax = 1000 },
        // A reader's look at what was made of it is in this, which costs 400 octets an octet of a header without end; ours costs 60.
        ["submission"] = () => new FuzzTarget { Name = "submission", Seeds = SubmissionTarget.Seeds, Try = SubmissionTarget.Try, Words = SubmissionTarget.Words, AllocatedBytesPerOctetMax = 800 },
        ["address"] = () => new FuzzTarget { Name = "address", Seeds = AddressTarget.Seeds, Try = AddressTarget.Try, Words = AddressTarget.Words },
    }.ToFrozenDictionary();

    /// <summary>Files of a folder of MailApi.Mail.Tests' test data, in their order.</summary>
    private static byte[][] Files(string folder, string pattern) =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "tests/MailApi.Mail.Tests/testdata", folder), pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
}
