using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Dkim;
using Xunit;

namespace MailApi.Tests.Domains;

public sealed class DomainRecordsTests
{
    private static readonly byte[] PublicKeyBytes = [0x30, 0x03, 0x01, 0x02, 0x03];

    private static readonly Domain Example = new()
    {
        Id = PrefixedId.New<DomainId>(),
        Tenant = PrefixedId.New<TenantId>(),
        Name = "mail.shop.example",
        State = DomainState.Pending,
        Verification = Verification.Dns,
        Categories = [Category.Notification],
        Rate = SendingRate.Default,
        OwnershipToken = "token",
        CreatedAt = DateTimeOffset.UnixEpoch,
        CheckedAt = null,
    };

    private static readonly DomainOptions Options = new() { ServiceHost = "mx.service.example" };

    [Fact]
    public void A_domain_publishes_its_records_in_the_order_in_which_they_build_on_each_other()
    {
        var records = DomainRecords.For(Example, Options);

        Assert.Equal(
        [
            "ownership TXT _mailapi.mail.shop.example mailapi-verification=token required",
            "returnPath MX bounces.mail.shop.example 10 mx.service.example required",
            "returnPath TXT bounces.mail.shop.example v=spf1 include:spf.mx.service.example ~all required",
            "spf TXT mail.shop.example v=spf1 include:spf.mx.service.example ~all",
            "dmarc TXT _dmarc.mail.shop.example v=DMARC1; p=none; rua=mailto:dmarc@bounces.mail.shop.example",
            "tracking CNAME track.mail.shop.example mx.service.example",
        ], records.Select(Line));
        Assert.All(records, record => Assert.Equal(RecordState.Unchecked, record.State));
    }

    [Fact]
    public void Every_key_has_its_record_and_the_active_one_must_be_there()
    {
        var domain = Example with { Keys = [Key("ma1", KeyState.Active), Key("ma2", KeyState.Pending), Key("ma3", KeyState.Revoked)] };

        var keys = DomainRecords.For(domain, Options).Where(record => record.Purpose is RecordPurpose.Dkim).ToList();

        Assert.Equal(
        [
            ("ma1._domainkey.mail.shop.example", SigningKey.Record(PublicKeyBytes), true), ("ma2._domainkey.mail.shop.example", SigningKey.Record(PublicKeyBytes), false),
            ("ma3._domainkey.mail.shop.example", "v=DKIM1; p=", false),
        ], keys.Select(record => (record.Name, record.Value, record.Required)));
    }

    [Fact]
    public void The_included_SPF_record_can_be_named() =>
        Assert.Contains(DomainRecords.For(Example, new DomainOptions { SpfInclude = "senders.example" }), record => record.Value == "v=spf1 include:senders.example ~all");

    [Fact]
    public void What_was_asked_for_is_issued_too()
    {
        var domain = Example with { Extras = new DomainExtras { MtaSts = true, TlsRpt = true, BimiLogo = "https://shop.example/logo.svg" } };

        Assert.Equal(
        [
            $"mtaSts TXT _mta-sts.bounces.mail.shop.example v=STSv1; id={MtaStsPolicy.Id(Options)}",
            "mtaSts CNAME mta-sts.bounces.mail.shop.example mx.service.example",
            "tlsRpt TXT _smtp._tls.bounces.mail.shop.example v=TLSRPTv1; rua=mailto:tls@bounces.mail.shop.example",
            "bimi TXT default._bimi.mail.shop.example v=BIMI1; l=https://shop.example/logo.svg",
        ], DomainRecords.For(domain, Options).Skip(6).Select(Line));
    }

    [Fact]
    public void TLS_reports_are_asked_for_by_https_too_and_reports_by_mail_only_where_mail_is_taken()
    {
        var domain = Example with { Extras = new DomainExtras { TlsRpt = true } };

        Assert.Equal(["v=DMARC1; p=none; rua=mailto:dmarc@bounces.mail.shop.example", "v=TLSRPTv1; rua=mailto:tls@bounces.mail.shop.example,https://track.mail.shop.example/reports/token"], Values(byMail: true, _ => "token"));
        Assert.Equal(["v=DMARC1; p=none", "v=TLSRPTv1; rua=https://track.mail.shop.example/reports/token"], Values(byMail: false, _ => "token"));
        Assert.Equal(["v=DMARC1; p=none"], Values(byMail: false, token: null));

        IEnumerable<string> Values(bool byMail, Func<DomainId, string>? token) => DomainRecords.For(domain, new DomainOptions(Options, new ReportAddresses(byMail, token)))
            .Where(record => record.Purpose is RecordPurpose.Dmarc or RecordPurpose.TlsRpt).Select(record => record.Value);
    }

    [Fact]
    public void With_a_zone_for_delegation_keys_and_return_path_can_be_pointed_to()
    {
        var records = DomainRecords.For(Example with { Keys = [Key("ma1", KeyState.Active)] }, new DomainOptions { ServiceHost = "mx.service.example", DelegationZone = "dkim.service.example" });

        Assert.Equal($"ma1.{Example.Id.Value:N}.dkim.service.example", records.Single(record => record.Purpose is RecordPurpose.Dkim).Alias);
        Assert.All(records.Where(record => record.Purpose is RecordPurpose.ReturnPath), record => Assert.Equal("bounces.dkim.service.example", record.Alias));
    }

    [Theory]
    [InlineData("TXT", "v=spf1 ~all", null, "a.example. 3600 IN TXT \"v=spf1 ~all\"")]
    [InlineData("TXT", "say \"so\" \\", null, "a.example. 3600 IN TXT \"say \\\"so\\\" \\\\\"")]
    [InlineData("MX", "mx.service.example", 10, "a.example. 3600 IN MX 10 mx.service.example.")]
    [InlineData("CNAME", "mx.service.example", null, "a.example. 3600 IN CNAME mx.service.example.")]
    public void A_record_has_its_line_of_a_zone_file(string type, string value, int? priority, string line) =>
        Assert.Equal(line, new DomainRecord { Purpose = RecordPurpose.Spf, Type = type, Name = "a.example", Value = value, Priority = priority, Required = false }.Zone);

    [Fact]
    public void A_long_text_is_several_strings_of_at_most_255_octets()
    {
        var line = ZoneFile.Strings(new string('a', 255) + new string('b', 255) + "c");

        Assert.Equal($"\"{new string('a', 255)}\" \"{new string('b', 255)}\" \"c\"", line);
    }

    private static DkimKey Key(string selector, KeyState state) =>
        new() { Selector = selector, Algorithm = KeyAlgorithm.Rsa, State = state, Public = PublicKeyBytes, CreatedAt = DateTimeOffset.UnixEpoch };

    private static string Line(DomainRecord record) =>
        $"{record.Purpose.ToText()} {record.Type} {record.Name} {(record.Priority is { } priority ? $"{priority} " : "")}{record.Value}{(record.Required ? " required" : "")}";
}
