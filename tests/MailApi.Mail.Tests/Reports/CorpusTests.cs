using System.Net;
using MailApi.Mail.Authentication;
using MailApi.Mail.Reports;

namespace MailApi.Mail.Tests.Reports;

/// <summary>Reports in the shapes of those who send them.</summary>
public sealed class CorpusTests
{
    public static TheoryData<string, string> Corpus => [.. TestData.Rows("reports/expected.tsv").Select(row => new TheoryDataRow<string, string>(row[0], row[1]))];

    [Theory, MemberData(nameof(Corpus))]
    public void Every_report_of_the_corpus_is_read_right(string file, string expected)
    {
        var found = InShort.Of(Read(file));

        if (expected.StartsWith("none", StringComparison.Ordinal))
        {
            Assert.StartsWith("none ", found, StringComparison.Ordinal);
            Assert.Contains(expected["none ".Length..], found, StringComparison.Ordinal);
            Assert.EndsWith(".", found, StringComparison.Ordinal);
        }
        else Assert.Equal(expected, found);
    }

    [Fact]
    public void Every_file_of_the_corpus_has_an_expectation()
    {
        var files = Directory.EnumerateFiles(TestData.At("reports")).Select(Path.GetFileName).Except(["expected.tsv", "README.md"]);
        Assert.Equal(TestData.Rows("reports/expected.tsv").Select(row => row[0]).Order(StringComparer.Ordinal), files.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_record_tells_everything_that_its_reporter_does()
    {
        var report = Dmarc("microsoft-enterprise.xml");

        var foreign = report.Records[2];
        Assert.Equal(IPAddress.Parse("192.0.2.200"), foreign.Source);
        Assert.Equal((2, DmarcDisposition.Quarantine, false, false), (foreign.Count, foreign.Disposition, foreign.DkimAligned, foreign.SpfAligned));
        Assert.Equal(("mail.shop.example", "bounces.mail.shop.example", "contoso.example"), (foreign.HeaderFrom, foreign.EnvelopeFrom, foreign.EnvelopeTo));
        Assert.Equal([new ReportedDkim("esp.example", "s1", ReportedResult.Pass)], foreign.Dkim);
        Assert.Equal([new ReportedSpf("esp.example", "mfrom", ReportedResult.Pass)], foreign.Spf);
        Assert.Equal(IPAddress.Parse("2001:db8:40:1::25"), report.Records[1].Source);
    }

    [Fact]
    public void Of_several_results_all_are_kept_in_their_order()
    {
        var record = Dmarc("comcast.xml").Records[0];

        Assert.Equal([new ReportedDkim("mail.shop.example", "ma1", ReportedResult.Pass), new ReportedDkim("shop.example", "old", ReportedResult.Fail)], record.Dkim);
        Assert.Equal([new ReportedSpf("out.mailapi.test", "helo", ReportedResult.None), new ReportedSpf("bounces.mail.shop.example", "mfrom", ReportedResult.Pass)], record.Spf);
        Assert.Equal(ReportedResult.Fail, Dmarc("comcast.xml").Records[1].Spf.Single().Result);
    }

    [Fact]
    public void The_new_form_says_how_the_policy_was_found_and_that_it_is_tested()
    {
        var report = Dmarc("rfc9990.xml");

        Assert.Equal("urn:ietf:params:xml:ns:dmarc-2.0", report.Namespace);
        Assert.Equal(("Aggregator 3.1", "https://receiver.example/dmarc"), (report.Generator, report.ExtraContact));
        Assert.Equal((DmarcPolicy.Reject, true, "treewalk"), (report.Published.NonexistentPolicy, report.Published.IsTesting, report.Published.DiscoveryMethod));
        Assert.Equal(DmarcDisposition.Pass, report.Records[0].Disposition);
    }

    [Fact]
    public void What_a_reporter_does_not_evaluate_is_concluded_from_its_results()
    {
        var report = Dmarc("as-little-as-possible.xml");

        Assert.Equal((IPAddress.Parse("203.0.113.25"), true, "mail.shop.example"), (report.Records[0].Source, report.Records[0].DkimAligned, report.Records[0].HeaderFrom));
        // SPF passed, for a domain of nobody's.
        Assert.False(report.Records[1].Passes);
    }

    [Fact]
    public void A_TLS_report_tells_where_and_how_sessions_failed()
    {
        var report = Assert.IsType<ReportFinding.Tls>(Read("google-tls-failures.json")).Report;

        var failure = report.Policies[0].Details[1];
        Assert.Equal(("service.mailapi.test", "203.0.113.40", "209.85.219.199"), (failure.ReceivingMx, failure.ReceivingIp, failure.SendingIp));
        Assert.Equal(["version: STSv1", "mode: testing", "mx: service.mailapi.test", "max_age: 86400"], report.Policies[0].Text);
        Assert.Equal(["service.mailapi.test"], report.Policies[0].MxHosts);
        Assert.Equal("DANE_TLSA_MISMATCH", Assert.IsType<ReportFinding.Tls>(Read("microsoft-tls.json")).Report.Policies[0].Details[1].ReasonCode);
    }

    internal static ReportFinding Read(string file)
    {
        var octets = File.ReadAllBytes(TestData.At("reports/" + file));
        return file.EndsWith(".eml", StringComparison.Ordinal) ? ReportAttachments.InMail(octets) : ReportAttachments.InOctets(octets);
    }

    private static DmarcReport Dmarc(string file) => Assert.IsType<ReportFinding.Dmarc>(Read(file)).Report;
}
