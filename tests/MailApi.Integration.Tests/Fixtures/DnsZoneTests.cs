using System.Net;
using DnsClient;
using DnsClient.Protocol;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class DnsZoneTests : IAsyncDisposable
{
    private readonly DnsZone _zone = DnsZone.Start();

    [Fact]
    public async Task Answers_what_it_was_told_and_chases_aliases()
    {
        _zone.A("mx.shop.test", "127.0.0.2").Mx("shop.test", 10, "mx.shop.test").Mx("shop.test", 5, "alias.shop.test")
            .Cname("alias.shop.test", "mx.shop.test").Add("mx.shop.test", DnsRecord.Aaaa("::1"));

        var exchanges = (await AskAsync("SHOP.test", QueryType.MX)).Answers.MxRecords().OrderBy(mx => mx.Preference);

        Assert.Equal(["alias.shop.test.", "mx.shop.test."], exchanges.Select(mx => mx.Exchange.Value));
        var alias = await AskAsync("alias.shop.test", QueryType.A);
        Assert.Equal([ResourceRecordType.CNAME, ResourceRecordType.A], alias.Answers.Select(answer => answer.RecordType));
        Assert.Equal(IPAddress.Parse("127.0.0.2"), alias.Answers.ARecords().Single().Address);
        Assert.Equal(IPAddress.IPv6Loopback, (await AskAsync("mx.shop.test", QueryType.AAAA)).Answers.AaaaRecords().Single().Address);
        Assert.Equal(1, _zone.Asked("shop.test", DnsType.Mx));
    }

    [Fact]
    public async Task Tells_a_name_without_such_records_from_no_name()
    {
        _zone.A("deep.below.shop.test", "127.0.0.1");

        Assert.Equal(DnsResponseCode.NotExistentDomain, (DnsResponseCode)(await AskAsync("other.test", QueryType.A)).Header.ResponseCode);
        var empty = await AskAsync("below.shop.test", QueryType.A);
        Assert.Equal((DnsHeaderResponseCode.NoError, 0), (empty.Header.ResponseCode, empty.Answers.Count));
        Assert.Single(empty.Authorities.OfType<SoaRecord>());
    }

    [Fact]
    public async Task A_wildcard_stands_for_names_that_do_not_exist()
    {
        _zone.Mx("*.test", 1, "mx.test").A("there.test", "127.0.0.1");

        Assert.Single((await AskAsync("a.b.test", QueryType.MX)).Answers.MxRecords());
        Assert.Empty((await AskAsync("there.test", QueryType.MX)).Answers);
    }

    [Fact]
    public async Task A_text_that_does_not_fit_comes_over_TCP()
    {
        var text = string.Concat(Enumerable.Repeat("0123456789", 500));
        _zone.Txt("long.test", text);

        var answer = (await AskAsync("long.test", QueryType.TXT)).Answers.TxtRecords().Single();

        Assert.Equal(text, string.Concat(answer.Text));
        Assert.Equal([false, true], _zone.Questions.Select(question => question.OverTcp));
    }

    [Theory]
    [InlineData(DnsFailure.ServFail, DnsHeaderResponseCode.ServerFailure)]
    [InlineData(DnsFailure.NxDomain, DnsHeaderResponseCode.NotExistentDomain)]
    [InlineData(DnsFailure.Refused, DnsHeaderResponseCode.Refused)]
    [InlineData(DnsFailure.Truncated, DnsHeaderResponseCode.NoError)]
    public async Task Fails_as_it_is_told_and_recovers(DnsFailure failure, DnsHeaderResponseCode code)
    {
        _zone.A("a.shop.test", "127.0.0.1").Fail("*.shop.test", failure);

        Assert.Equal(code, (await AskAsync("a.shop.test", QueryType.A)).Header.ResponseCode);

        _zone.Recover("*.shop.test");
        Assert.Single((await AskAsync("a.shop.test", QueryType.A)).Answers);
    }

    [Fact]
    public async Task Does_not_answer_a_name_that_times_out()
    {
        _zone.A("silent.test", "127.0.0.1").Fail("silent.test", DnsFailure.Timeout);

        await Assert.ThrowsAsync<DnsResponseException>(() => AskAsync("silent.test", QueryType.A, isSilent: true));
        Assert.NotEqual(0, _zone.Asked("silent.test", DnsType.A));
    }

    public ValueTask DisposeAsync() => _zone.DisposeAsync();

    private Task<IDnsQueryResponse> AskAsync(string name, QueryType type, bool isSilent = false) =>
        new LookupClient(new LookupClientOptions(_zone.EndPoint) { UseCache = false, Retries = 0, Timeout = isSilent ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(10) })
            .QueryAsync(name, type, cancellationToken: TestContext.Current.CancellationToken);
}
