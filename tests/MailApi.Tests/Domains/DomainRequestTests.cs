using System.Text.Json;
using MailApi.Domains;
using Xunit;

namespace MailApi.Tests.Domains;

public sealed class DomainRequestTests
{
    [Theory]
    [InlineData("""{ "name": "mail.shop.example", "categories": ["notification"] }""", "")]
    [InlineData("""{ "name": "mail.shop.example", "categories": ["marketing", "support"], "rate": { "perSecond": 0.5, "burst": 1 }, "verification": "dns" }""", "")]
    [InlineData("""{ "name": "mail.shop.example", "categories": ["support"], "rate": { "burst": 7 }, "verification": "manual" }""", "")]
    [InlineData("{}", "name categories")]
    [InlineData("""{ "name": "example", "categories": [] }""", "name categories")]
    [InlineData("""{ "name": "a b.example", "categories": ["notification"] }""", "name")]
    [InlineData("""{ "name": "shop.example", "categories": ["notification", "Support", "spam"] }""", "categories[1] categories[2]")]
    [InlineData("""{ "name": "shop.example", "categories": ["support", "support", "support", "support"] }""", "categories")]
    [InlineData("""{ "name": "shop.example", "categories": ["support"], "rate": { "perSecond": 0, "burst": 0 } }""", "rate.perSecond rate.burst")]
    [InlineData("""{ "name": "shop.example", "categories": ["support"], "rate": { "perSecond": 1e300, "burst": 100001 } }""", "rate.perSecond rate.burst")]
    [InlineData("""{ "name": "shop.example", "categories": ["support"], "verification": "trust" }""", "verification")]
    public void A_registration_names_all_that_is_wrong_with_it(string json, string paths)
    {
        var request = JsonSerializer.Deserialize(json, DomainJson.Default.DomainRequest)!;

        Assert.Equal(paths, string.Join(' ', DomainRequestValidator.Instance.Validate(request).ToDictionary().Keys));
    }

    [Theory]
    [InlineData("{}", "")]
    [InlineData("""{ "categories": ["marketing"] }""", "")]
    [InlineData("""{ "categories": [] }""", "categories")]
    [InlineData("""{ "rate": { "perSecond": -1 } }""", "rate.perSecond")]
    public void A_change_names_only_what_it_changes(string json, string paths)
    {
        var settings = JsonSerializer.Deserialize(json, DomainJson.Default.DomainSettings)!;

        Assert.Equal(paths, string.Join(' ', DomainSettingsValidator.Instance.Validate(settings).ToDictionary().Keys));
    }

    [Fact]
    public void An_unknown_category_is_answered_with_the_known_ones() =>
        Assert.Equal("A category is one of marketing, notification, support.",
            Assert.Single(DomainSettingsValidator.Instance.Validate(new DomainSettings { Categories = ["spam"] }).Errors).ErrorMessage);

    [Fact]
    public void A_name_leaves_room_for_the_names_below_it()
    {
        var label = new string('a', 60);
        var longest = $"{label}.{label}.{label}.{new string('a', DomainRequestValidator.NameOctetsMax - (3 * 61) - 8)}.example";

        Assert.Equal(DomainRequestValidator.NameOctetsMax, longest.Length);
        Assert.True(Valid(longest));
        Assert.False(Valid("a" + longest));
    }

    private static bool Valid(string name) => DomainRequestValidator.Instance.Validate(new DomainRequest { Name = name, Categories = ["support"] }).IsValid;
}
