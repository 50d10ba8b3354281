using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Routing;
using Xunit;

namespace MailApi.Tests.Domains;

public sealed class RecordRulesTests
{
    private const string Include = "spf.service.example";
    private const string Mailbox = "dmarc@bounces.mail.shop.example";

    [Theory]
    [InlineData("", "missing", null)]
    [InlineData("v=spf1 include:spf.service.example ~all", "ok", "v=spf1 include:spf.service.example ~all")]
    [InlineData("google-site-verification=x|v=spf1 ip4:192.0.2.1 include:spf.service.example -all", "ok", "v=spf1 ip4:192.0.2.1 include:spf.service.example -all")]
    [InlineData("v=spf1 include:_spf.google.com ~all", "mismatch", "v=spf1 include:_spf.google.com include:spf.service.example ~all")]
    [InlineData("v=spf1 ip4:192.0.2.1 redirect=other.example", "mismatch", "v=spf1 ip4:192.0.2.1 include:spf.service.example redirect=other.example")]
    [InlineData("v=spf1 a ~all|v=spf1 mx ~all", "mismatch", "v=spf1 a include:spf.service.example ~all")]
    [InlineData("v=spf1 ip4:nonsense ~all", "mismatch", null)]
    [InlineData("v=spf1 +all", "mismatch", null)]
    public void An_SPF_record_that_stands_there_is_merged_not_overwritten(string found, string state, string? proposed)
    {
        var seen = RecordRules.Spf(Texts(found), Txt(RecordPurpose.Spf, "v=spf1 include:spf.service.example ~all"), Include);

        Assert.Equal((state, proposed), (seen.State.ToText(), seen.Proposed));
        if (state != "ok") Assert.NotEmpty(seen.Note!);
    }

    [Theory]
    [InlineData("", "missing", null)]
    [InlineData("v=DMARC1; p=none; rua=mailto:dmarc@bounces.mail.shop.example", "ok", "v=DMARC1; p=none; rua=mailto:dmarc@bounces.mail.shop.example")]
    [InlineData("v=DMARC1; p=reject; rua=mailto:other@shop.example; pct=50", "ok", "v=DMARC1; p=reject; rua=mailto:other@shop.example,mailto:dmarc@bounces.mail.shop.example; pct=50")]
    [InlineData("v=DMARC1; p=nonsense", "mismatch", "v=DMARC1; p=none; rua=mailto:dmarc@bounces.mail.shop.example")]
    [InlineData("v=DMARC1; p=none|v=DMARC1; p=reject", "mismatch", "v=DMARC1; p=none; rua=mailto:dmarc@bounces.mail.shop.example")]
    [InlineData("v=spf1 -all", "missing", null)]
    public void A_DMARC_record_that_stands_there_keeps_its_policy_and_gets_our_reports(string found, string state, string? proposed)
    {
        var seen = RecordRules.Dmarc(Texts(found), Txt(RecordPurpose.Dmarc, "v=DMARC1; p=none; rua=mailto:" + Mailbox), Mailbox);

        Assert.Equal((state, proposed), (seen.State.ToText(), seen.Proposed));
    }

    [Theory]
    [InlineData("v=DMARC1; p=reject; rua=mailto:other@shop.example", "v=DMARC1; p=reject; rua=mailto:other@shop.example")]
    [InlineData("v=DMARC1; p=nonsense; fo=1", "v=DMARC1; p=none; fo=1")]
    public void An_installation_that_takes_no_mail_asks_for_no_reports_by_mail(string found, string proposed) =>
        Assert.Equal(proposed, RecordRules.Dmarc(Texts(found), Txt(RecordPurpose.Dmarc, "v=DMARC1; p=none"), mailbox: null).Proposed);

    [Theory]
    [InlineData("", "missing", null)]
    [InlineData("v=TLSRPTv1; rua=mailto:tls@b.example,https://t.example/r", "ok", "v=TLSRPTv1; rua=mailto:tls@b.example,https://t.example/r")]
    [InlineData("v=TLSRPTv1;rua=https://t.example/r , mailto:tls@b.example", "ok", "v=TLSRPTv1;rua=https://t.example/r , mailto:tls@b.example")]
    [InlineData("v=TLSRPTv1; rua=mailto:tls@b.example", "ok", "v=TLSRPTv1; rua=mailto:tls@b.example,https://t.example/r")]
    [InlineData("v=TLSRPTv1; rua=mailto:tls@other.example; x=y", "mismatch", "v=TLSRPTv1; rua=mailto:tls@other.example,mailto:tls@b.example,https://t.example/r; x=y")]
    [InlineData("v=TLSRPTv1", "mismatch", "v=TLSRPTv1; rua=mailto:tls@b.example,https://t.example/r")]
    [InlineData("v=TLSRPTv1; rua=mailto:a@b.example|v=TLSRPTv1; rua=mailto:c@d.example", "mismatch", "v=TLSRPTv1; rua=mailto:a@b.example,mailto:tls@b.example,https://t.example/r")]
    [InlineData("v=spf1 -all|v=TLSRPTv10; rua=mailto:a@b.example", "missing", null)]
    public void A_TLSRPT_record_that_stands_there_keeps_its_addresses_and_gets_ours(string found, string state, string? proposed)
    {
        string[] addresses = ["mailto:tls@b.example", "https://t.example/r"];
        var seen = RecordRules.TlsRpt(Texts(found), Txt(RecordPurpose.TlsRpt, "v=TLSRPTv1; rua=" + string.Join(',', addresses)), addresses);

        Assert.Equal((state, proposed), (seen.State.ToText(), seen.Proposed));
        if (state != "ok") Assert.NotEmpty(seen.Note!);
    }

    [Theory]
    [InlineData("", KeyState.Active, "missing", "There is no TXT record")]
    [InlineData("v=DKIM1; k=rsa; p=AbCd", KeyState.Active, "ok", null)]
    [InlineData("v=DKIM1;k=rsa;p=Ab Cd", KeyState.Active, "ok", null)]
    [InlineData("k=rsa; p=AbCd; t=y", KeyState.Pending, "ok", null)]
    [InlineData("v=DKIM1; k=rsa; p=Ab", KeyState.Active, "mismatch", "cut after 2 characters")]
    [InlineData("v=DKIM1; k=rsa; p=Efgh", KeyState.Active, "mismatch", "another key")]
    [InlineData("v=DKIM1; k=ed25519; p=AbCd", KeyState.Active, "mismatch", "another kind of key")]
    [InlineData("v=DKIM1; h=sha1; p=AbCd", KeyState.Active, "mismatch", "forbids sha256")]
    [InlineData("v=DKIM1; s=tlsrpt; p=AbCd", KeyState.Active, "mismatch", "not for email")]
    [InlineData("v=DKIM2; p=AbCd", KeyState.Active, "mismatch", "another version")]
    [InlineData("v=DKIM1; p=", KeyState.Active, "mismatch", "revoked")]
    [InlineData("v=DKIM1; p=AbCd|v=DKIM1; p=Efgh", KeyState.Active, "mismatch", "Several keys")]
    [InlineData("hello", KeyState.Active, "mismatch", "no DKIM key record")]
    [InlineData("v=DKIM1; p=", KeyState.Revoked, "ok", null)]
    [InlineData("", KeyState.Revoked, "ok", null)]
    [InlineData("v=DKIM1; p=AbCd", KeyState.Revoked, "mismatch", "still published")]
    public void A_key_record_is_told_from_every_usual_mistake(string found, object state, string seen, string? note)
    {
        var record = Txt(RecordPurpose.Dkim, (KeyState)state == KeyState.Revoked ? "v=DKIM1; p=" : "v=DKIM1; k=rsa; p=AbCd") with { Key = (KeyState)state };

        var observation = RecordRules.Dkim(Texts(found), record);

        Assert.Equal(seen, observation.State.ToText());
        if (note is null) Assert.Null(observation.Note);
        else Assert.Contains(note, observation.Note!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "missing")]
    [InlineData("10 mx.service.example", "ok")]
    [InlineData("10 mx.service.example,20 backup.example", "ok")]
    [InlineData("5 other.example,10 mx.service.example", "mismatch")]
    [InlineData("10 mx.service.example,10 other.example", "mismatch")]
    [InlineData("10 MX.service.example,10 mx.service.example", "ok")]
    [InlineData("10 other.example", "mismatch")]
    public void Bounces_must_come_here_first(string found, string state)
    {
        var hosts = found.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => text.Split(' ')).Select(words => new MxHost(words[1], int.Parse(words[0]))).ToList();

        Assert.Equal(state, RecordRules.Mx(hosts, Txt(RecordPurpose.ReturnPath, "mx.service.example") with { Type = "MX" }).State.ToText());
    }

    [Theory]
    [InlineData("", "missing")]
    [InlineData("something else", "missing")]
    [InlineData("mailapi-verification=token", "ok")]
    [InlineData("x|mailapi-verification=token", "ok")]
    [InlineData("mailapi-verification=another", "mismatch")]
    public void The_token_proves_ownership_whatever_stands_beside_it(string found, string state) =>
        Assert.Equal(state, RecordRules.Text(Texts(found), Txt(RecordPurpose.Ownership, "mailapi-verification=token")).State.ToText());

    [Theory]
    [InlineData("", "missing")]
    [InlineData("mx.service.example", "ok")]
    [InlineData("other.example", "mismatch")]
    public void An_alias_leads_to_the_service(string found, string state) =>
        Assert.Equal(state, RecordRules.Alias(Texts(found), Txt(RecordPurpose.Tracking, "mx.service.example") with { Type = "CNAME" }).State.ToText());

    private static string[] Texts(string found) => found.Split('|', StringSplitOptions.RemoveEmptyEntries);

    private static DomainRecord Txt(RecordPurpose purpose, string value) => new() { Purpose = purpose, Type = "TXT", Name = "a.example", Value = value, Required = true };
}
