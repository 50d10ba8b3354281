using MailApi.Mail.Authentication;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Mail.Tests.Authentication;

public sealed class OrganizationalDomainTests : IAsyncDisposable
{
    private readonly DnsZone zone = DnsZone.Start();

    public static TheoryData<string, string, string, string> Walks
    {
        get
        {
            var data = new TheoryData<string, string, string, string>();
            foreach (var row in TestData.Rows("dmarc/walks.txt")) data.Add(row[0], row[1], row[2], row[3]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Walks))]
    public async Task A_walk_finds_the_organization_and_the_policy(string domain, string records, string organization, string policy)
    {
        foreach (var record in records.Split(" | ", StringSplitOptions.RemoveEmptyEntries).Select(record => record.Split(": ", 2))) zone.Txt($"_dmarc.{record[0]}", record[1]);
        var walk = await Walk(domain);
        Assert.Equal((organization, policy), (walk.OrganizationalDomain, walk.Policy?.Domain ?? "-"));
        Assert.Null(walk.FailedAt);
    }

    [Theory]
    // RFC 9989 §4.10.
    [InlineData("a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "a.b.c.d.e.f.g.h.i.j.mail.example.com g.h.i.j.mail.example.com h.i.j.mail.example.com i.j.mail.example.com j.mail.example.com mail.example.com example.com com")]
    [InlineData("1.2.3.4.5.6.example.com", "1.2.3.4.5.6.example.com 2.3.4.5.6.example.com 3.4.5.6.example.com 4.5.6.example.com 5.6.example.com 6.example.com example.com com")]
    [InlineData("1.2.3.4.5.example.com", "1.2.3.4.5.example.com 2.3.4.5.example.com 3.4.5.example.com 4.5.example.com 5.example.com example.com com")]
    [InlineData("example.com", "example.com com")]
    [InlineData("com", "com")]
    public async Task A_walk_asks_for_these_names_and_no_others(string domain, string names)
    {
        await Walk(domain);
        Assert.Equal(names.Split(' ').Select(name => $"_dmarc.{name}"), zone.Questions.Select(question => question.Name));
    }

    [Theory]
    [InlineData("psd=y")]
    [InlineData("psd=n")]
    public async Task A_record_that_says_what_it_is_ends_the_walk(string tag)
    {
        zone.Txt("_dmarc.example.com", $"v=DMARC1; p=none; {tag}");
        await Walk("a.example.com");
        Assert.Equal(["_dmarc.a.example.com", "_dmarc.example.com"], zone.Questions.Select(question => question.Name));
    }

    [Fact]
    public async Task Hundreds_of_labels_cost_eight_questions_and_hostile_names_none()
    {
        await Walk(string.Join('.', Enumerable.Repeat("a", 100)) + ".example.com");
        Assert.Equal(OrganizationalDomain.QueriesMax, zone.Questions.Count);
        foreach (var name in new[] { "", ".", "..", "a..b", "a b.example", "\0", new string('a', 5000) }) Assert.NotNull(await Walk(name));
    }

    [Fact]
    public async Task A_question_without_an_answer_leaves_the_organization_unknown_but_not_a_policy_that_was_found()
    {
        zone.Txt("_dmarc.mail.example.com", "v=DMARC1; p=reject").Fail("_dmarc.example.com", DnsFailure.ServFail);
        var walk = await Walk("mail.example.com");
        Assert.Equal(("example.com", "mail.example.com"), (walk.FailedAt, walk.Policy?.Domain));
        walk = await Walk("other.example.com");
        Assert.Equal(("example.com", null), (walk.FailedAt, walk.Policy?.Domain));
    }

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    private Task<TreeWalk> Walk(string domain) =>
        new OrganizationalDomain(Receiver.Dns(zone)).Of(domain, TestContext.Current.CancellationToken);
}
