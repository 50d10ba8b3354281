using MailApi.Mail.Tls;

namespace MailApi.Mail.Tests.Tls;

public sealed class StsPolicyTests
{
    private const string Example = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

    [Fact]
    public void The_example_of_the_standard_is_read()
    {
        Assert.True(StsPolicy.TryParse(Example, out var policy, out _));

        Assert.Equal((StsMode.Enforce, TimeSpan.FromDays(7)), (policy.Mode, policy.MaxAge));
        Assert.Equal(["mail.example.com", "*.example.net", "backupmx.example.com"], policy.Hosts);
    }

    [Theory]
    [InlineData("version: STSv1\nmode: none\nmax_age: 1", true)]
    [InlineData("version:STSv1\nmode:testing\nmx:a.test\nmax_age:0", true)]
    [InlineData("version: STSv1\nmode: testing\nmx: a.test\nmax_age: 99999999999\nmore: of this\n\n", true)]
    [InlineData("max_age: 1\nmx: a.test\nmode: enforce\nmode: none\nversion: STSv1", true)]
    [InlineData("", false)]
    [InlineData("version: STSv2\nmode: none\nmax_age: 1", false)]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1", false)]
    [InlineData("version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1", false)]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.test", false)]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1", false)]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.*.test\nmax_age: 1", false)]
    [InlineData("version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", false)]
    [InlineData("<!DOCTYPE html><html></html>", false)]
    public void Of_policies_the_good_ones_are_taken(string text, bool good)
    {
        Assert.Equal(good, StsPolicy.TryParse(text, out var policy, out var error));
        Assert.Equal(good, error is null);
        Assert.True(policy is null || policy.MaxAge <= TimeSpan.FromSeconds(31_557_600));
    }

    [Theory]
    [InlineData("mail.example.com", true)]
    [InlineData("MAIL.Example.com", true)]
    [InlineData("mx.mail.example.com", false)]
    [InlineData("a.example.net", true)]
    [InlineData("a.b.example.net", false)]
    [InlineData("example.net", false)]
    [InlineData(".example.net", false)]
    [InlineData("aexample.net", false)]
    [InlineData("example.com", false)]
    public void Hosts_are_matched_whole_and_a_wildcard_is_one_label(string host, bool allowed)
    {
        Assert.True(StsPolicy.TryParse(Example, out var policy, out _));
        Assert.Equal(allowed, policy.Allows(host));
    }

    [Theory]
    [InlineData("20160831085700Z", "v=STSv1; id=20160831085700Z;")]
    [InlineData("1", "v=STSv1;id=1")]
    [InlineData("1", "v=spf1 -all", "v=STSv1 ; x=y; id=1;")]
    [InlineData(null, "v=STSv1; id=1;", "v=STSv1; id=1;")]
    [InlineData(null, "v=STSv1")]
    [InlineData(null, "v=STSv1; id=;")]
    [InlineData(null, "v=STSv1; id=a-b;")]
    [InlineData(null, "v=STSv1; id=012345678901234567890123456789012;")]
    [InlineData(null, "v=STSv10; id=1;")]
    [InlineData(null, "id=1; v=STSv1;")]
    [InlineData(null)]
    public void The_id_is_in_exactly_one_record(string? id, params string[] records) => Assert.Equal(id, StsPolicy.IdIn(records));
}
