using MailApi.Delivery.Tls;

namespace MailApi.Tests.Delivery;

public sealed class TlsSettingsTests
{
    [Theory]
    [InlineData("example.net", "mx.example.net", TlsLevel.Verify)]
    [InlineData("EXAMPLE.net", "mx.elsewhere.test", TlsLevel.Verify)]
    [InlineData("other.test", "a.mx.google.test", TlsLevel.Dane)]
    [InlineData("other.test", "a.google.test", TlsLevel.Encrypt)]
    [InlineData("other.test", "google.test", null)]
    [InlineData("other.test", "agoogle.test", null)]
    [InlineData("sub.example.net", "mx.example.net", null)]
    public void The_operators_policy_is_by_domain_then_by_the_longest_end_of_the_hosts_name(string domain, string host, TlsLevel? level)
    {
        var settings = new TlsSettings { Policies = new() { ["example.net"] = TlsLevel.Verify, ["*.google.test"] = TlsLevel.Encrypt, ["*.MX.google.test"] = TlsLevel.Dane } };

        Assert.Equal(level, settings.For(domain, host));
    }
}
