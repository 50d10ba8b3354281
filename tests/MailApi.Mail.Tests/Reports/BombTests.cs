using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Reports;
using MailApi.Testing.Fuzzing;

namespace MailApi.Mail.Tests.Reports;

/// <summary>S-24 and S-23: reports that are small on the wire and endless in memory. Each is refused with its reason, without allocating more than a large report does.</summary>
public sealed class BombTests
{
    private const string Head = "<feedback><report_metadata><org_name>a.example</org_name><report_id>1</report_id><date_range><begin>1777593600</begin><end>1777679999</end></date_range></report_metadata><policy_published><domain>b.example</domain></policy_published>";

    /// <summary>Of a report with as many records as are read: strings, lists and the platform's own.</summary>
    private const long AllocationMax = 400L * 1024 * 1024;

    /// <summary>Of the processor's time.</summary>
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(20);

    [Fact]
    [Trait("Takes", "seconds")]
    public void Ten_gigabytes_of_zeros_in_gzip_are_not_unpacked()
    {
        var bomb = Gzip(Repeat("\0", 10_000), 1_000_000);
        Assert.InRange(bomb.Length, 1, ReportLimits.OctetsMax);

        // What begins with zeros is nothing; behind the beginning of a report they are text.
        AssertRefused(bomb, "what is packed in it is neither XML nor JSON", allocationMax: 1024 * 1024);
    }

    [Fact]
    public void Gigabytes_of_one_text_in_gzip_end_at_the_bound_of_a_text() => AssertRefused(Gzip(Repeat("a", 10_000), 100_000, Head + "<extension>"), "a text of more than 64 KiB", allocationMax: 8 * 1024 * 1024);

    [Fact]
    [Trait("Takes", "seconds")]
    public void A_gigabyte_of_like_tags_in_zip_ends_at_the_number_of_octets() => AssertRefused(Zip(Repeat("<a></a>", 1_000), 150_000, Head + "<extension>"), "more than 50 MiB", allocationMax: 16 * 1024 * 1024);

    [Fact]
    public void What_grows_as_no_report_does_ends_at_the_ratio() => AssertRefused(Zip(Repeat("<a/>", 1_000), 11_000, Head + "<extension>"), "grows more than 250-fold", allocationMax: 16 * 1024 * 1024);

    [Fact]
    public void A_gigabyte_of_JSON_ends_at_the_number_of_octets() => AssertRefused(Gzip(Repeat("[],", 10_000), 35_000, "{\"policies\":["), "larger than 10 MiB", allocationMax: 64 * 1024 * 1024);

    [Fact]
    public void A_report_that_is_merely_long_ends_at_the_number_of_records()
    {
        var record = new StringBuilder();
        for (var index = 0; index < 1_000; index++) record.Append($"<record><row><source_ip>192.0.2.{index % 256}</source_ip><count>{index * 7919 % 10007 + 1}</count></row></record>");
        AssertRefused(Gzip(record.ToString(), 110, Head), $"It has more than {ReportLimits.RecordsMax} records", AllocationMax);
    }

    [Fact]
    public void Elements_in_elements_end_at_the_depth() => AssertRefused(Encoding.ASCII.GetBytes("<feedback>" + Repeat("<a>", 1_000_000)), "nested more than 16 deep", allocationMax: 8 * 1024 * 1024);

    [Fact]
    public void Names_without_end_are_not_kept()
    {
        var names = new StringBuilder("<feedback>");
        for (var index = 0; index < 300_000; index++) names.Append($"<n{index}/>");
        AssertRefused(Encoding.ASCII.GetBytes(names.ToString()), "more than 1000 names", allocationMax: 8 * 1024 * 1024);
    }

    [Fact]
    public void Attributes_without_end_are_not_kept()
    {
        var attributes = new StringBuilder("<feedback ");
        for (var index = 0; index < 300_000; index++) attributes.Append($"a{index}='>' ");
        AssertRefused(Encoding.ASCII.GetBytes(attributes.ToString()), "more than ", allocationMax: 8 * 1024 * 1024);
    }

    [Fact]
    public void Files_in_a_zip_without_end_are_not_looked_at()
    {
        using var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
            for (var index = 0; index < 20_000; index++) archive.CreateEntry($"{index}.txt", CompressionLevel.NoCompression);

        AssertRefused(zip.ToArray(), "there is nothing in it", allocationMax: 1024 * 1024);
    }

    [Fact]
    public void Brackets_in_brackets_end_at_the_depth() => AssertRefused(Encoding.ASCII.GetBytes("{\"policies\":" + Repeat("[", 1_000_000)), "it is no JSON", allocationMax: 8 * 1024 * 1024);

    [Fact]
    public void A_mail_of_parts_within_parts_is_not_gone_through()
    {
        var mail = new StringBuilder("From: a@b.example\r\n");
        for (var depth = 0; depth < 5_000; depth++) mail.Append($"Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");

        var found = Assert.IsType<ReportFinding.None>(ReportAttachments.InMail(Encoding.ASCII.GetBytes(mail.ToString())));

        Assert.Contains("nested", found.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(40, false)]
    [InlineData(4, true)]
    [Trait("Takes", "seconds")]
    public void Parts_of_a_mail_share_the_bound_of_what_they_unpack_to(int mebibytesEach, bool isReached)
    {
        // Grows about a hundredfold, as reports do.
        var block = string.Concat(Enumerable.Range(0, 128).Select(index => Repeat("<a></a>", 1_170) + Convert.ToHexString(SHA256.HashData([(byte)index]))));
        var bomb = Gzip(block, mebibytesEach, "<feedback>", "</feedback>");
        var report = Gzip(Head, 1, "", "</feedback>");

        var found = ReportAttachments.InMail(Mail([.. Enumerable.Repeat(bomb, 9), report]));

        if (isReached) Assert.IsType<ReportFinding.Dmarc>(found);
        else Assert.Contains("does not say for which domain", Assert.IsType<ReportFinding.None>(found).Reason, StringComparison.Ordinal);
        Assert.IsType<ReportFinding.Dmarc>(ReportAttachments.InMail(Mail([bomb, report])));

        static byte[] Mail(byte[][] parts) => Encoding.ASCII.GetBytes("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + string.Concat(parts.Select(part =>
            $"--x\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(part, Base64FormattingOptions.InsertLineBreaks)}\r\n")) + "--x--\r\n");
    }

    [Fact]
    public void A_mail_or_a_file_that_is_too_large_is_refused_unread()
    {
        Assert.Contains("larger than 16 MiB", Assert.IsType<ReportFinding.None>(ReportAttachments.InMail(new byte[ReportLimits.MessageOctetsMax + 1])).Reason, StringComparison.Ordinal);
        Assert.Contains("larger than 10 MiB", Assert.IsType<ReportFinding.None>(ReportAttachments.InOctets(new byte[ReportLimits.OctetsMax + 1])).Reason, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public void A_report_as_large_as_is_read_takes_no_more_memory_than_is_said()
    {
        var records = new StringBuilder(Head);
        for (var index = 0; index < ReportLimits.RecordsMax; index++)
            records.Append($"<record><row><source_ip>2001:db8::{index >> 16:x}:{index & 0xFFFF:x}</source_ip><count>{index + 1}</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>"
                + $"<identifiers><header_from>b.example</header_from></identifiers><auth_results><dkim><domain>b.example</domain><selector>s{index}</selector><result>pass</result></dkim></auth_results></record>");
        var octets = Gzip(records.Append("</feedback>").ToString(), 1);

        var (found, allocated) = Measured(octets);

        Assert.Equal(ReportLimits.RecordsMax, Assert.IsType<ReportFinding.Dmarc>(found).Report.Records.Count);
        Assert.InRange(allocated, 0, AllocationMax);
    }

    private static void AssertRefused(byte[] octets, string reason, long allocationMax)
    {
        var began = ThreadTime.Now;
        var (found, allocated) = Measured(octets);

        Assert.Contains(reason, Assert.IsType<ReportFinding.None>(found).Reason, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, allocationMax);
        Assert.InRange(ThreadTime.Now - began, TimeSpan.Zero, TimeMax);
    }

    private static (ReportFinding Found, long Allocated) Measured(byte[] octets)
    {
        ReportAttachments.InOctets("<feedback/>"u8.ToArray());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var found = ReportAttachments.InOctets(octets);
        return (found, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private static byte[] Gzip(string block, int times, string head = "", string tail = "")
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            Write(gzip, block, times, head);
            gzip.Write(Encoding.ASCII.GetBytes(tail));
        }
        return packed.ToArray();
    }

    private static byte[] Zip(string block, int times, string head)
    {
        using var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = archive.CreateEntry("a.xml", CompressionLevel.SmallestSize).Open()) Write(entry, block, times, head);
        return packed.ToArray();
    }

    private static void Write(Stream stream, string block, int times, string head)
    {
        stream.Write(Encoding.ASCII.GetBytes(head));
        var octets = Encoding.ASCII.GetBytes(block);
        for (var index = 0; index < times; index++) stream.Write(octets);
    }
}
