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
    public void Every_active_selector_has_its_key_record()
    {
        var domain = Example with { Keys = [new PublicKey("ma1", PublicKeyBytes), new PublicKey("ma2", PublicKeyBytes)] };

        var keys = DomainRecords.For(domain, Options).Where(record => record.Purpose is RecordPurpose.Dkim).ToList();

        Assert.Equal(["ma1._domainkey.mail.shop.example", "ma2._domainkey.mail.shop.example"], keys.Select(record => record.Name));
        Assert.All(keys, record => Assert.Equal(("TXT", SigningKey.Record(PublicKeyBytes), true), (record.Type, record.Value, record.Required)));
    }

    [Fact]
    public void The_included_SPF_record_can_be_named() =>
        Assert.Contains(DomainRecords.For(Example, new DomainOptions { SpfInclude = "senders.example" }), record => record.Value == "v=spf1 include:senders.example ~all");

    private static string Line(DomainRecord record) =>
        $"{record.Purpose.ToText()} {record.Type} {record.Name} {(record.Priority is { } priority ? $"{priority} " : "")}{record.Value}{(record.Required ? " required" : "")}";
}
