using System.Net;
using MailApi.Mail.Routing;
using MailApi.Mail.Shaping;
using Xunit;

namespace MailApi.Mail.Tests.Shaping;

public sealed class SiteProfilesTests
{
    [Theory]
    [InlineData("gmail-smtp-in.l.google.com", "gmail")]
    [InlineData("aspmx2.googlemail.com", "gmail")]
    [InlineData("outlook-com.olc.protection.outlook.com", "microsoft")]
    [InlineData("shop-example.mail.protection.outlook.com", "microsoft")]
    [InlineData("mta7.am0.yahoodns.net", "yahoo")]
    [InlineData("mx1.mail.yahoo.co.jp", "yahooJapan")]
    [InlineData("mx01.mail.icloud.com", "icloud")]
    [InlineData("mx3.qq.com", "qq")]
    [InlineData("mxbiz1.qq.com", "exmail")]
    [InlineData("163mx01.mxmail.netease.com", "netease")]
    [InlineData("mxn.mxhichina.com", "alibaba")]
    [InlineData("mx1.qiye.aliyun.com", "alibaba")]
    [InlineData("mx.notgoogle.com", "default")]
    [InlineData("mx.example.net", "default")]
    public void The_mail_host_chooses_the_profile(string host, string profile) => Assert.Equal(profile, new SiteProfiles(ShippedProfiles.All).For(To(host, "198.41.0.4")).Name);

    [Fact]
    public void Relays_and_hosts_on_private_networks_have_profiles_of_their_own()
    {
        var profiles = new SiteProfiles(ShippedProfiles.All);

        Assert.Equal("private", profiles.For(To("mx.example.net", "10.0.0.7")).Name);
        Assert.Equal("gmail", profiles.For(To("aspmx.l.google.com", "10.0.0.7")).Name);
        Assert.Equal("relay", profiles.For(To("smtp.gmail.com", "198.41.0.4") with { Site = "relay:smtp.gmail.com:587" }).Name);
    }

    [Fact]
    public void Every_shipped_profile_says_where_its_figures_come_from() => Assert.All(ShippedProfiles.All, profile =>
    {
        Assert.NotEmpty(profile.Source);
        Assert.True(profile.AsOf >= new DateOnly(2026, 11, 1));
    });

    private static Route To(string host, string address) => new() { Site = host, Hosts = [new RouteHost(host, [IPAddress.Parse(address)], 25)] };
}
