using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Reports;
using MailApi.Testing.Reports;
using MailApi.Tests.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace MailApi.Tests.Reports;

/// <summary>Reports come in by https and by hand, and go out as an answer that a person can read.</summary>
public sealed class ReportRoutesTests(TestHost host)
{
    private static readonly DateOnly Yesterday = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-1);

    [Fact]
    public async Task A_receiver_posts_a_TLS_report_to_the_address_in_the_record()
    {
        var tenant = await host.NewTenant();
        var path = PathFor(tenant);
        var json = ReportSamples.Tls($"bounces.{tenant.Domain}", Yesterday, "t1", 40, ("certificate-expired", TestHost.ServiceHost, 2));

        using var first = await host.Anonymous.PostAsync(path, Body(ReportSamples.Gzip(json), "application/tlsrpt+gzip"));
        using var again = await host.Anonymous.PostAsync(path, Body(Encoding.UTF8.GetBytes(json), "application/tlsrpt+json"));
        var tls = (await Reports(tenant)).GetProperty("tls");

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (first.StatusCode, again.StatusCode));
        Assert.Equal((40, 2), (tls.GetProperty("successes").GetInt64(), tls.GetProperty("failures").GetInt64()));
        Assert.Equal("certificate-expired", tls.GetProperty("results")[0].GetProperty("resultType").GetString());
        Assert.Contains("Renew", tls.GetProperty("results")[0].GetProperty("explanation").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DMARC_reports_are_taken_there_as_well()
    {
        var tenant = await host.NewTenant();
        var xml = ReportSamples.Dmarc(tenant.Domain, Yesterday, "r1", "receiver.example", new SampleRow(TestHost.EgressAddress, 7));

        using var posted = await host.Anonymous.PostAsync(PathFor(tenant), Body(ReportSamples.Gzip(xml), "application/gzip"));

        Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
        var source = Assert.Single((await Reports(tenant)).GetProperty("sources").EnumerateArray());
        Assert.True(source.GetProperty("ours").GetBoolean());
    }

    [Fact]
    public async Task The_record_that_a_domain_publishes_leads_to_this_route()
    {
        var tenant = await host.NewTenant();
        await TestHost.Json(await tenant.Live.PatchAsync($"/domains/{tenant.DomainId}", Body("{\"tlsRpt\":true}"u8.ToArray(), "application/json")));

        var records = (await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}"))).GetProperty("records").EnumerateArray();

        var value = records.Single(record => record.GetProperty("purpose").GetString() == "tlsRpt").GetProperty("value").GetString();
        Assert.EndsWith($"https://track.{tenant.Domain}{PathFor(tenant)}", value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_of_this_service_nothing_is_taken()
    {
        var tenant = await host.AnyTenant();
        var json = Encoding.UTF8.GetBytes(ReportSamples.Tls(tenant.Domain, Yesterday, "t1", 1));
        var token = PathFor(tenant);

        foreach (var path in new[] { "/reports/x", "/reports/" + new string('A', 43), token[..^1] + (token[^1] == 'A' ? 'Q' : 'A'), Path(PrefixedId.New<DomainId>()) })
        {
            using var response = await host.Anonymous.PostAsync(path, Body(json, "application/tlsrpt+json"));
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task A_report_handed_in_by_hand_is_told_apart_from_one_that_is_there()
    {
        var tenant = await host.NewTenant();
        var xml = ReportSamples.Dmarc(tenant.Domain, Yesterday, "r1", "receiver.example", new SampleRow(TestHost.EgressAddress, 7));
        var mail = ReportSamples.Mail($"dmarc@bounces.{tenant.Domain}", "application/gzip", ReportSamples.Gzip(xml));

        using var created = await tenant.Live.PostAsync($"/domains/{tenant.DomainId}/reports", Body(mail, "message/rfc822"));
        using var there = await tenant.Live.PostAsync($"/domains/{tenant.DomainId}/reports", Body(Zip(xml), "application/octet-stream"));
        var answer = JsonDocument.Parse(await created.Content.ReadAsStringAsync()).RootElement;

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (created.StatusCode, there.StatusCode));
        Assert.Equal($"/domains/{tenant.DomainId}/reports", created.Headers.Location?.ToString());
        Assert.Equal(("dmarc", "receiver.example", "r1"), (answer.GetProperty("kind").GetString(), answer.GetProperty("organization").GetString(), answer.GetProperty("reportId").GetString()));
    }

    [Theory]
    [InlineData("", "It cannot be read: it is empty.")]
    [InlineData("Hello", "It cannot be read: it is neither XML nor JSON, nor either in gzip or zip.")]
    [InlineData("<html/>", "It cannot be read: its outermost element is html, and that of a DMARC report is feedback.")]
    [InlineData("{}", "It cannot be read: it has no policies, which a TLS report has.")]
    [InlineData("From: a@b.example\r\n\r\nHello\r\n", "Nothing in the mail is a report: XML or JSON, bare or in gzip or zip.")]
    public async Task What_is_no_report_is_refused_with_the_reason(string text, string reason)
    {
        var tenant = await host.AnyTenant();
        foreach (var (client, path) in new[] { (tenant.Live, $"/domains/{tenant.DomainId}/reports"), (host.Anonymous, PathFor(tenant)) })
        {
            using var response = await client.PostAsync(path, Body(Encoding.UTF8.GetBytes(text), "application/octet-stream"));
            var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

            Assert.Equal((HttpStatusCode.UnprocessableEntity, reason), (response.StatusCode, problem.GetProperty("detail").GetString()));
        }
    }

    [Fact]
    public async Task A_report_about_another_domain_is_refused_by_name()
    {
        var tenant = await host.AnyTenant();
        using var response = await tenant.Live.PostAsync($"/domains/{tenant.DomainId}/reports", Body(Encoding.UTF8.GetBytes(ReportSamples.Dmarc("bank.example", Yesterday, "r")), "text/xml"));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("bank.example", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bodies_beyond_the_bound_are_413_whether_they_tell_their_length_or_not()
    {
        var tenant = await host.AnyTenant();
        var octets = new byte[ReportBodies.PostedOctetsMax + 1];

        using var told = await host.Anonymous.PostAsync(PathFor(tenant), Body(octets, "application/tlsrpt+gzip"));
        using var chunked = new HttpRequestMessage(HttpMethod.Post, PathFor(tenant)) { Content = Body(octets, "application/tlsrpt+gzip"), Headers = { TransferEncodingChunked = true } };
        using var untold = await host.Anonymous.SendAsync(chunked);

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.RequestEntityTooLarge), (told.StatusCode, untold.StatusCode));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task A_bomb_is_refused_in_words()
    {
        var tenant = await host.AnyTenant();
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            await gzip.WriteAsync("<feedback>"u8.ToArray());
            var zeros = new byte[1024 * 1024];
            for (var megabytes = 0; megabytes < 900; megabytes++) await gzip.WriteAsync(zeros);
        }
        Assert.InRange(packed.Length, 1, ReportBodies.PostedOctetsMax);

        using var response = await host.Anonymous.PostAsync(PathFor(tenant), Body(packed.ToArray(), "application/tlsrpt+gzip"));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    [Fact]
    public async Task A_person_reads_who_sends_what_fails_and_what_to_do()
    {
        var tenant = await host.NewTenant();
        var xml = ReportSamples.Dmarc(tenant.Domain, Yesterday, "r1", "receiver.example",
            new SampleRow(TestHost.EgressAddress, 90) { Signature = (tenant.Domain, "ma1", "pass"), Sender = ($"bounces.{tenant.Domain}", "pass") },
            new SampleRow("192.0.2.66", 10) { Dkim = "fail", Spf = "fail", Disposition = "reject", Sender = ("crm.example", "pass") });
        await TestHost.Json(await tenant.Live.PostAsync($"/domains/{tenant.DomainId}/reports", Body(Encoding.UTF8.GetBytes(xml), "text/xml")));

        var reports = await Reports(tenant);

        Assert.Equal((tenant.DomainId, tenant.Domain), (reports.GetProperty("id").GetString(), reports.GetProperty("domain").GetString()));
        Assert.StartsWith("90 of 100 messages", reports.GetProperty("explanation").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, reports.GetProperty("reportsReceived").GetProperty("dmarc").GetInt32());
        Assert.Equal(10, reports.GetProperty("totals").GetProperty("dispositions").GetProperty("reject").GetInt32());
        var (ours, crm) = (reports.GetProperty("sources")[0], reports.GetProperty("sources")[1]);
        Assert.True(ours.GetProperty("ours").GetBoolean());
        Assert.Equal("This service sent it, and all of it passed by DKIM and by SPF.", ours.GetProperty("explanation").GetString());
        Assert.False(crm.GetProperty("ours").GetBoolean());
        Assert.Contains($"have it sign as {tenant.Domain}", crm.GetProperty("explanation").GetString(), StringComparison.Ordinal);
        Assert.Equal(Yesterday.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), crm.GetProperty("lastSeen").GetString());
    }

    [Fact]
    public async Task Reports_about_days_long_past_are_kept_and_shown_unless_the_span_leaves_them_out()
    {
        var tenant = await host.NewTenant();
        foreach (var (daysBack, messages) in new[] { (4000, 1), (401, 20), (31, 300), (0, 4000) })
        {
            var xml = ReportSamples.Dmarc(tenant.Domain, Yesterday.AddDays(-daysBack), $"r{daysBack}", "receiver.example", new SampleRow("192.0.2.1", messages));
            using var taken = await tenant.Live.PostAsync($"/domains/{tenant.DomainId}/reports", Body(Encoding.UTF8.GetBytes(xml), "text/xml"));
            Assert.Equal(HttpStatusCode.Created, taken.StatusCode);
        }

        var all = await Reports(tenant);
        Assert.Equal((Day(4000), Day(-1)), (all.GetProperty("from").GetString(), all.GetProperty("to").GetString()));
        Assert.Equal(4321, Messages(all));
        foreach (var (span, messages) in new[] { ($"to={Day(31)}", 321), ($"from={Day(401)}", 4320), ($"from={Day(400)}&to={Day(1)}", 300) }) Assert.Equal(messages, await Within(span));

        async Task<long> Within(string span) => Messages(await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/reports?{span}")));

        static long Messages(JsonElement reports) => reports.GetProperty("totals").GetProperty("messages").GetInt64();

        static string Day(int back) => Yesterday.AddDays(-back).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Reports_are_their_tenants_alone()
    {
        var (mine, other) = (await host.NewTenant(), await host.NewTenant());
        var upload = Body(Encoding.UTF8.GetBytes(ReportSamples.Dmarc(other.Domain, Yesterday, "r1", "receiver.example", new SampleRow("192.0.2.1", 5))), "text/xml");

        using var foreign = await mine.Live.PostAsync($"/domains/{other.DomainId}/reports", upload);
        using var read = await mine.Live.GetAsync($"/domains/{other.DomainId}/reports");
        using var narrow = host.WithKey((await other.NewKey(new { mode = "live", domains = new[] { "elsewhere.example" } })).GetProperty("key").GetString()!);
        using var bound = await narrow.GetAsync($"/domains/{other.DomainId}/reports");

        Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.NotFound], new[] { foreign.StatusCode, read.StatusCode, bound.StatusCode });
        Assert.Equal(0, (await Reports(other)).GetProperty("totals").GetProperty("messages").GetInt64());
        Assert.Equal(HttpStatusCode.OK, (await host.Admin.GetAsync($"/domains/{other.DomainId}/reports")).StatusCode);
    }

    [Theory]
    [InlineData("from=2026-01-02&to=2026-01-01", "from")]
    [InlineData("from=9999-01-01", "from")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    public async Task A_span_that_is_none_is_refused_by_name(string query, string name)
    {
        var tenant = await host.AnyTenant();
        using var response = await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/reports?{query}");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.True(JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").TryGetProperty(name, out _));
    }

    [Fact]
    public async Task Before_any_report_the_answer_says_how_they_come()
    {
        var reports = await Reports(await host.NewTenant());

        Assert.Contains("No receiver has reported", reports.GetProperty("explanation").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, reports.GetProperty("reportsReceived").GetProperty("lastAt").ValueKind);
        Assert.Equal(0, reports.GetProperty("sources").GetArrayLength());
    }

    private static async Task<JsonElement> Reports(TestTenant tenant) => await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/reports"));

    private string PathFor(TestTenant tenant) => PrefixedId.TryParse<DomainId>(tenant.DomainId, out var id) ? Path(id) : throw new ArgumentException("no domain", nameof(tenant));

    private string Path(DomainId domain) => "/reports/" + host.Services.GetRequiredService<ReportToken>().Create(domain);

    private static ByteArrayContent Body(byte[] octets, string contentType) => new(octets) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } };

    private static byte[] Zip(string xml)
    {
        using var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = archive.CreateEntry("report.xml").Open()) entry.Write(Encoding.UTF8.GetBytes(xml));
        return zip.ToArray();
    }
}
