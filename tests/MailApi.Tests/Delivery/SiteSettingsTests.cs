using System.Net;
using MailApi.Delivery;
using MailApi.Mail.Routing;
using MailApi.Mail.Shaping;

namespace MailApi.Tests.Delivery;

public sealed class SiteSettingsTests
{
    [Fact]
    public void What_is_set_for_default_holds_for_private_networks_and_new_profiles_unless_they_set_it_themselves()
    {
        var profiles = SiteSettings.Profiles(new Dictionary<string, SiteSettings>
        {
            ["mine"] = new() { MxSuffixes = ["mine.test"], MessagesPerConnection = 7 },
            ["private"] = new() { Connections = 50 },
            ["Default"] = new() { Connections = 3, PerSecond = 20 },
        });

        Assert.Equal((3, 100, 20d), Figures(profiles, "mx.example.net", "198.41.0.4"));
        Assert.Equal((50, 100, 20d), Figures(profiles, "mx.example.net", "10.0.0.7"));
        Assert.Equal((3, 7, 20d), Figures(profiles, "mx.mine.test", "10.0.0.7"));
        Assert.Equal((5, 50, 100d), Figures(profiles, "shop.mail.protection.outlook.com", "198.41.0.4"));
    }

    [Fact]
    public void Without_settings_a_private_network_has_the_shipped_figures() =>
        Assert.Equal((100, 100, null), Figures(SiteSettings.Profiles(new Dictionary<string, SiteSettings>()), "mx.example.net", "10.0.0.7"));

    private static (int, int, double?) Figures(SiteProfiles profiles, string host, string address)
    {
        var profile = profiles.For(new Route { Site = host, Hosts = [new RouteHost(host, [IPAddress.Parse(address)], 25)] });
        return (profile.Connections, profile.MessagesPerConnection, profile.PerSecond);
    }
}
