using MailApi.Mail.Authentication;

namespace MailApi.Mail.Tests.Authentication;

public class DmarcRecordTests
{
    public static TheoryData<string, string, string, string> Records
    {
        get
        {
            var data = new TheoryData<string, string, string, string>();
            foreach (var row in TestData.Rows("dmarc/records.txt")) data.Add(row[0], row[1], row[2], row[3]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void A_record_asks_for_its_policies(string text, string itself, string existing, string nonexistent)
    {
        if (!DmarcRecord.TryParse(text, out var record)) Assert.Equal(("no", "no", "no"), (itself, existing, nonexistent));
        else Assert.Equal((itself, existing, nonexistent), (Word(record.For(false, true)), Word(record.For(true, true)), Word(record.For(true, false))));
    }

    [Fact]
    public void Every_tag_is_read()
    {
        Assert.True(DmarcRecord.TryParse(
            "v=DMARC1; p=reject; adkim=S; aspf=s; psd=n; t=y; fo=d:s; rua=mailto:a@b.example!5m, https://c.example/in; ruf=mailto:d@e.example", out var record));
        Assert.Equal((true, true, false, true, "d:s"), (record.StrictDkim, record.StrictSpf, record.IsPublicSuffix, record.IsTesting, record.FailureOptions));
        Assert.Equal(["mailto:a@b.example", "https://c.example/in"], record.AggregateReports);
        Assert.Equal(["mailto:d@e.example"], record.FailureReports);
        Assert.Empty(record.Problems);

        Assert.True(DmarcRecord.TryParse("v=DMARC1; p=reject", out record));
        Assert.Equal((false, false, null, false, "0"), (record.StrictDkim, record.StrictSpf, record.IsPublicSuffix, record.IsTesting, record.FailureOptions));
    }

    [Theory]
    [InlineData("v=DMARC1; rua=mailto:a@b.example", "has no p=")]
    [InlineData("v=DMARC1; p=rejct", "has an unknown value in p=")]
    [InlineData("v=DMARC1; p=reject; adkim=x", "has an unknown value in adkim=")]
    [InlineData("v=DMARC1; p=reject; p=none", "names a tag twice")]
    [InlineData("v=DMARC1; p=reject; oops", "has a part without an equals sign")]
    [InlineData("v=DMARC1; p=reject; rua=a@b.example", "has something in rua= that is no mailto: or other address of a report")]
    [InlineData("v=DMARC1; p=reject; pct=50", "has pct=, which no longer means anything (RFC 9989)")]
    public void What_its_owner_should_mend_is_said(string text, string problem)
    {
        Assert.True(DmarcRecord.TryParse(text, out var record));
        Assert.Equal(problem, Assert.Single(record.Problems));
    }

    [Theory]
    [InlineData(null, "v=DMARC1; p=none; rua=mailto:r@d.example")]
    [InlineData("", "v=DMARC1; p=none; rua=mailto:r@d.example")]
    [InlineData("v=spf1 -all", "v=DMARC1; p=none; rua=mailto:r@d.example")]
    [InlineData("v=DMARC1; p=reject", "v=DMARC1; p=reject; rua=mailto:r@d.example")]
    [InlineData("v=DMARC1;p=quarantine;sp=none;pct=50;", "v=DMARC1; p=quarantine; sp=none; pct=50; rua=mailto:r@d.example")]
    [InlineData("v=DMARC1; p=reject; rua=mailto:a@b.example!5m; adkim=s", "v=DMARC1; p=reject; rua=mailto:a@b.example!5m,mailto:r@d.example; adkim=s")]
    [InlineData("v=DMARC1; p=reject; rua=mailto:a@b.example,MAILTO:R@d.example", "v=DMARC1; p=reject; rua=mailto:a@b.example,MAILTO:R@d.example")]
    [InlineData("v=DMARC1; rua=mailto:a@b.example", "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:r@d.example")]
    [InlineData("v=DMARC1; p=rejct; fo=1", "v=DMARC1; p=none; fo=1; rua=mailto:r@d.example")]
    [InlineData("v=DMARC1; p=reject; rua=oops", "v=DMARC1; p=reject; rua=mailto:r@d.example")]
    [InlineData("v=DMARC1; p=reject; x=unknown", "v=DMARC1; p=reject; x=unknown; rua=mailto:r@d.example")]
    public void A_proposal_keeps_what_is_there(string? existing, string proposed)
    {
        Assert.Equal(proposed, DmarcRecord.Proposed(existing, "r@d.example"));
        Assert.Equal(proposed, DmarcRecord.Proposed(proposed, "r@d.example"));
        Assert.True(DmarcRecord.TryParse(proposed, out var record));
        Assert.Contains("mailto:r@d.example", record.AggregateReports, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public void What_would_end_a_list_in_an_address_is_escaped() =>
        Assert.Equal("v=DMARC1; p=none; rua=mailto:a%2Cb%21c%3Bd@d.example", DmarcRecord.Proposed(null, "a,b!c;d@d.example"));

    [Fact]
    public void A_record_that_names_more_addresses_than_are_read_is_proposed_with_ours_among_those_that_are()
    {
        var existing = "v=DMARC1; p=none; rua=" + string.Join(',', Enumerable.Range(0, 25).Select(number => $"mailto:r{number}@other.example"));
        var proposed = DmarcRecord.Proposed(existing, "r@d.example");
        Assert.True(DmarcRecord.TryParse(proposed, out var record));
        Assert.Contains("mailto:r@d.example", record.AggregateReports);
        Assert.Contains("mailto:r24@other.example", proposed, StringComparison.Ordinal);
        // Once it is published nothing else is asked for.
        Assert.Equal(proposed, DmarcRecord.Proposed(proposed, "r@d.example"));
    }

    [Fact]
    public void Any_text_at_all_is_read_or_not()
    {
        var random = new Random(9989);
        const string letters = "v=DMARC1;pnsrject rua,!:@\t\0é\uD800\"";
        for (var i = 0; i < 20_000; i++)
        {
            var text = (i % 2 == 0 ? "v=DMARC1;" : "") + string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => letters[random.Next(letters.Length)]));
            if (DmarcRecord.TryParse(text, out var record)) _ = record.For(true, false);
            Assert.True(DmarcRecord.TryParse(DmarcRecord.Proposed(text, "r@d.example"), out _));
        }
    }

    private static string Word(DmarcPolicy? policy) => policy switch
    {
        null => "-",
        DmarcPolicy.None => "none",
        DmarcPolicy.Quarantine => "quarantine",
        _ => "reject",
    };
}
