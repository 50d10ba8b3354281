using System.Net;
using System.Text;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Mail.Routing;
using MailApi.Reports;
using MailApi.Storage;
using MailApi.Testing.Reports;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailApi.Integration.Tests.Reports;

/// <summary>Reports are kept and summed up alike by both databases.</summary>
public sealed class ReportsTests(SharedServers servers)
{
    private const string Ours = "203.0.113.25";
    private static readonly CancellationToken Ct = CancellationToken.None;
    private static readonly DateOnly Yesterday = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-1);

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_report_counts_once_however_often_and_by_whatever_way_it_comes(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        var xml = ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "receiver.example", new SampleRow(Ours, 10));

        Assert.IsType<ReportTaking.Stored>(await world.Intake.Take(world.Domain.Id, ReportSamples.Mail("dmarc@bounces.mail.shop.example", "application/gzip", ReportSamples.Gzip(xml)), Ct));
        Assert.IsType<ReportTaking.Duplicate>(await world.Take(xml));
        Assert.IsType<ReportTaking.Duplicate>(await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "receiver.example", new SampleRow(Ours, 99))));
        Assert.IsType<ReportTaking.Stored>(await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "other.example", new SampleRow(Ours, 5))));

        var reports = await world.Reports();
        Assert.Equal((15, 15, 2), (reports.Totals.Messages, reports.Totals.DmarcPass, reports.ReportsReceived.Dmarc));
        Assert.Equal(["other.example", "receiver.example"], reports.Reporters.Select(reporter => reporter.Organization));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Of_one_report_that_comes_twice_at_once_one_is_kept(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        var xml = ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "receiver.example", new SampleRow(Ours, 10));

        var takings = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => world.Take(xml))));

        Assert.Single(takings.OfType<ReportTaking.Stored>());
        Assert.Equal(7, takings.OfType<ReportTaking.Duplicate>().Count());
        Assert.Equal(10, (await world.Reports()).Totals.Messages);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Reports_are_for_the_domain_one_above_or_one_below_and_for_no_other(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);

        foreach (var policy in new[] { "mail.shop.example", "shop.example", "bounces.mail.shop.example" })
            Assert.IsType<ReportTaking.Stored>(await world.Take(ReportSamples.Dmarc(policy, Yesterday, policy)));
        foreach (var policy in new[] { "othershop.example", "news.shop.example", "example", "xmail.shop.example" })
            Assert.Equal(policy, Assert.IsType<ReportTaking.NotForDomain>(await world.Take(ReportSamples.Dmarc(policy, Yesterday, policy))).PolicyDomain);
        Assert.IsType<ReportTaking.NotForDomain>(await world.Take(ReportSamples.Tls("elsewhere.example", Yesterday, "t", 1)));
        Assert.IsType<ReportTaking.NotForDomain>(await world.Intake.TakeFile(PrefixedId.New<DomainId>(), Encoding.UTF8.GetBytes(ReportSamples.Dmarc("mail.shop.example", Yesterday, "x")), Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task What_is_no_report_or_of_days_to_come_is_refused_with_its_reason(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);

        Assert.Contains("neither XML nor JSON", Reason(await world.Take("Hello")), StringComparison.Ordinal);
        Assert.Contains("Nothing in the mail is a report", Reason(await world.Intake.Take(world.Domain.Id, "From: a@b.example\r\n\r\nHello\r\n"u8.ToArray(), Ct)), StringComparison.Ordinal);
        Assert.Contains("future", Reason(await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday.AddDays(5), "a"))), StringComparison.Ordinal);
        Assert.Equal(0, (await world.Reports()).ReportsReceived.Dmarc);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Sources_are_summed_up_by_what_they_prove_and_explained(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "receiver.example",
            new SampleRow(Ours, 100) { Signature = ("mail.shop.example", "ma1", "pass"), Sender = ("bounces.mail.shop.example", "pass") },
            new SampleRow(Ours, 4) { Dkim = "fail", Spf = "fail", Disposition = "reject", Signature = ("mail.shop.example", "ma1", "fail"), Sender = ("bounces.mail.shop.example", "softfail") },
            new SampleRow("2001:db8::7", 30) { Dkim = "fail", Spf = "fail", Disposition = "quarantine", Signature = ("crm.example", "k1", "pass"), Sender = ("crm.example", "pass"), HeaderFrom = "shop.example" },
            new SampleRow("198.51.100.8", 9) { Dkim = "fail", Spf = "fail", Override = "mailing_list", Sender = ("lists.example.org", "pass") },
            new SampleRow("192.0.2.66", 3) { Dkim = "fail", Spf = "fail", Disposition = "reject" }));
        await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday.AddDays(-3), "r2", "other.example", new SampleRow("2001:0db8:0:0:0:0:0:7", 1) { Dkim = "fail", Spf = "fail", Signature = ("crm.example", "k1", "pass") }));

        var reports = await world.Reports();

        Assert.Equal((147, 100, 47, 4), (reports.Totals.Messages, reports.Totals.DmarcPass, reports.Totals.DmarcFail, reports.Totals.Sources));
        Assert.Equal(new ReportDispositions { None = 110, Quarantine = 30, Reject = 7 }, reports.Totals.Dispositions);
        Assert.Contains("100 of 147 messages", reports.Explanation, StringComparison.Ordinal);
        Assert.Contains("4 of those that failed came from this service", reports.Explanation, StringComparison.Ordinal);

        var (ours, crm, list, forger) = (reports.Sources[0], reports.Sources[1], reports.Sources[2], reports.Sources[3]);
        Assert.Equal((Ours, true, 104, 100), (ours.Ip, ours.Ours, ours.Messages, ours.DmarcPass));
        Assert.Equal((100, 4, 100), (ours.Dkim.Pass, ours.Dkim.Fail, ours.Dkim.Aligned));
        Assert.Equal((100, 4, 100), (ours.Spf.Pass, ours.Spf.Fail, ours.Spf.Aligned));
        Assert.Equal(["ma1"], ours.Dkim.Selectors);
        Assert.Contains("ma1._domainkey.mail.shop.example", ours.Explanation, StringComparison.Ordinal);

        Assert.Equal(("2001:db8::7", false, 31, 0, Yesterday.AddDays(-3), Yesterday), (crm.Ip, crm.Ours, crm.Messages, crm.DmarcPass, crm.FirstSeen, crm.LastSeen));
        Assert.Equal((31, 0), (crm.Dkim.Pass, crm.Dkim.Aligned));
        Assert.Equal(["receiver.example", "other.example"], crm.Reporters);
        Assert.Equal(["shop.example", "mail.shop.example"], crm.HeaderFrom);
        Assert.Contains("proves to be from crm.example", crm.Explanation, StringComparison.Ordinal);
        Assert.Equal(9, list.Overrides["mailing_list"]);
        Assert.Contains("forwarding", list.Explanation, StringComparison.Ordinal);
        Assert.Contains("forgery", forger.Explanation, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Failures_of_TLS_are_told_by_result_with_host_and_cure(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        await world.Take(ReportSamples.Tls("bounces.mail.shop.example", Yesterday, "t1", 90, ("certificate-expired", "mx1.service.example", 4), ("starttls-not-supported", "mx2.service.example", 5)));
        await world.Take(ReportSamples.Tls("bounces.mail.shop.example", Yesterday.AddDays(-1), "t2", 10, ("certificate-expired", "mx2.service.example", 3)));

        var tls = (await world.Reports()).Tls;

        Assert.Equal((100, 12), (tls.Successes, tls.Failures));
        Assert.Equal([("certificate-expired", 7), ("starttls-not-supported", 5)], tls.Results.Select(result => (result.ResultType, result.Sessions)));
        Assert.Equal(["mx1.service.example", "mx2.service.example"], tls.Results[0].ReceivingMx.Order());
        Assert.Equal((Yesterday.AddDays(-1), Yesterday), (tls.Results[0].FirstSeen, tls.Results[0].LastSeen));
        Assert.Contains("expired", tls.Results[0].Explanation, StringComparison.Ordinal);
        Assert.Equal(2, (await world.Reports()).ReportsReceived.Tls);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Only_the_days_asked_for_and_as_many_sources_are_shown(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        for (var day = 0; day < 4; day++)
            await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday.AddDays(-day), $"d{day}", "receiver.example", new SampleRow($"192.0.2.{day}", 10 + day), new SampleRow(Ours, 1)));

        var two = await world.Reports(Yesterday.AddDays(-2), Yesterday.AddDays(-1));
        var one = await world.Reports(sources: 1);

        Assert.Equal((25, 2), (two.Totals.Messages, two.ReportsReceived.Dmarc));
        Assert.Equal(["192.0.2.2", "192.0.2.1", Ours], two.Sources.Select(source => source.Ip));
        Assert.Equal((50, 4), (one.Totals.Messages, one.FurtherSources));
        Assert.Equal("192.0.2.3", one.Sources.Single().Ip);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Of_a_report_with_more_sources_than_are_kept_no_message_is_lost(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        var rows = Enumerable.Range(0, ReportIntake.RowsPerReportMax + 500).Select(index => new SampleRow($"10.0.{index / 256}.{index % 256}", index < ReportIntake.RowsPerReportMax ? 2 : 1) { Dkim = index % 2 == 0 ? "pass" : "fail", Spf = "fail" });

        await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday, "big", "receiver.example", [.. rows]));

        var reports = await world.Reports();
        Assert.Equal((2 * ReportIntake.RowsPerReportMax + 500, ReportIntake.RowsPerReportMax + 250), (reports.Totals.Messages, reports.Totals.DmarcPass));
        var rest = reports.Sources[0];
        Assert.Equal((null, null, 500), (rest.Ip, rest.Ours, rest.Messages));
        Assert.Contains("their sum", rest.Explanation, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_flood_of_reports_ends_at_its_bound(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        await world.Db.Write(async transaction =>
        {
            for (var index = 0; index < ReportIntake.ReportsPerDayMax; index++)
                await transaction.Execute("""
                    insert into reports (id, tenant_id, domain_id, kind, organization, report_id, policy_domain, day, begins_at, ends_at, received_at, results)
                    values (@id, @tenant, @domain, 'dmarc', 'flood.example', @report, 'mail.shop.example', now_ms() / 86400000, 0, 0, now_ms() - @age, 0)
                    """, Ct, ("id", Guid.CreateVersion7()), ("tenant", world.Domain.Tenant.Value), ("domain", world.Domain.Id.Value), ("report", $"f{index}"), ("age", index == 0 ? 86_280_000L : 0L));
            return 0;
        }, Ct);
        var xml = ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "receiver.example", new SampleRow(Ours, 1));

        Assert.Contains("500 reports within a day", Assert.IsType<ReportTaking.TooMany>(await world.Take(xml)).Reason, StringComparison.Ordinal);
        await world.Db.Execute("update reports set received_at = received_at - 120000 where report_id = 'f0'", Ct);
        Assert.IsType<ReportTaking.Stored>(await world.Take(xml));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Reports_are_forgotten_with_their_rows_400_days_after_their_receipt_or_with_their_domain(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday.AddDays(-4000), "old", "receiver.example", new SampleRow(Ours, 1)));
        await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday, "new", "receiver.example", new SampleRow(Ours, 2)));
        await world.Take(ReportSamples.Tls("mail.shop.example", Yesterday, "tls", 5));
        var retention = new ReportRetention(world.Db, TimeProvider.System, NullLogger<ReportRetention>.Instance);

        await retention.Remove(Ct);
        Assert.Equal((3, 2, 1), await world.Rows());
        await world.Db.Execute("update reports set received_at = received_at - cast(399 as bigint) * 86400000", Ct);
        await retention.Remove(Ct);
        Assert.Equal((3, 2, 1), await world.Rows());
        await world.Db.Execute("update reports set received_at = received_at - 2 * 86400000 where report_id = 'old'", Ct);
        await retention.Remove(Ct);
        Assert.Equal((2, 1, 1), await world.Rows());
        await world.Registry.Remove(world.Domain, Ct);
        Assert.Equal((0, 0, 0), await world.Rows());
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Another_tenant_that_claims_the_name_has_reports_of_its_own(StoreProvider provider)
    {
        await using var world = await World.Create(provider, servers);
        var other = await world.Domains.Register(await world.Domains.AddTenant(), "mail.shop.example");
        await world.Take(ReportSamples.Dmarc("mail.shop.example", Yesterday, "r1", "receiver.example", new SampleRow(Ours, 10)));

        Assert.Equal(0, (await world.Reports(of: other)).Totals.Messages);
        // Bound to a tenant, PostgreSQL shows no other's rows even to a statement that forgets whose it wants.
        if (provider == StoreProvider.PostgreSql) Assert.Equal([0L, 0L], await world.Unfenced(other.Tenant));
        Assert.Equal(10, (await world.Reports()).Totals.Messages);
    }

    private static string Reason(ReportTaking taking) => Assert.IsType<ReportTaking.NotAReport>(taking).Reason;

    /// <summary>A sending domain and what takes reports about it.</summary>
    private sealed class World(DomainsUnderTest domains, Domain domain) : IAsyncDisposable
    {
        private readonly ReportSummary summary = new(new ReportQueries(domains.Db), (_, _, _) => new EgressSource([IPAddress.Parse(Ours)], "out.service.example"), new DomainOptions());

        public DomainsUnderTest Domains => domains;
        public DomainRegistry Registry => domains.Registry;
        public Db Db => domains.Db;
        public Domain Domain => domain;
        public ReportIntake Intake { get; } = new(domains.Db, domains.Rows);

        public static async Task<World> Create(StoreProvider provider, SharedServers servers)
        {
            var domains = await DomainsUnderTest.Create(provider, servers);
            return new World(domains, await domains.Register(await domains.AddTenant(), "mail.shop.example"));
        }

        public Task<ReportTaking> Take(string report) => Intake.TakeFile(domain.Id, Encoding.UTF8.GetBytes(report), Ct);

        public Task<DomainReports> Reports(DateOnly? from = null, DateOnly? to = null, int sources = 50, Domain? of = null) =>
            summary.Of(of ?? domain, from ?? Yesterday.AddDays(-30), to ?? Yesterday.AddDays(1), sources, Ct);

        public async Task<(long Reports, long Dmarc, long Tls)> Rows() => (await Db.Query(
            "select (select count(*) from reports), (select count(*) from dmarc_results), (select count(*) from tls_report_results)", row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), Ct))[0];

        public async Task<IReadOnlyList<long>> Unfenced(TenantId tenant) =>
            (await Db.QueryAs(tenant, "select (select count(*) from reports), (select count(*) from dmarc_results)", row => new[] { row.GetInt64(0), row.GetInt64(1) }, Ct))[0];

        public ValueTask DisposeAsync()
        {
            Intake.Dispose();
            return domains.DisposeAsync();
        }
    }
}
