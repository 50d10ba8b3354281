using MailApi.Api;
using MailApi.Delivery.Relays;

namespace MailApi.Tests.Relays;

public sealed class RelayChoiceTests
{
    private const string Domain = "mail.shop.example";
    private static readonly TenantId Tenant = PrefixedId.New<TenantId>();

    /// <summary>From the most specific scope to the least.</summary>
    private static readonly Relay[] Scopes =
    [
        Relay("domain and category") with { Tenant = Tenant, Domain = Domain, Category = Category.Support },
        Relay("domain") with { Tenant = Tenant, Domain = Domain },
        Relay("tenant and category") with { Tenant = Tenant, Category = Category.Support },
        Relay("tenant") with { Tenant = Tenant },
        Relay("category") with { Category = Category.Support },
        Relay("everyone"),
    ];

    [Fact]
    public void The_most_specific_scope_that_has_an_enabled_relay_wins()
    {
        for (var i = 0; i < Scopes.Length; i++)
        {
            // Whatever the order in which they were made, and with those above out of service.
            var relays = Scopes.Select((relay, index) => relay with { Enabled = index >= i }).Reverse().ToArray();
            Assert.Equal([Scopes[i].Name], Names(RelayChoice.InOrder(relays, Domain, Category.Support, new Random(1))));
        }
    }

    [Theory]
    [InlineData(Domain, Category.Support, "domain and category")]
    [InlineData(Domain, Category.Marketing, "domain")]
    [InlineData("other.shop.example", Category.Support, "tenant and category")]
    [InlineData("other.shop.example", Category.Marketing, "tenant")]
    public void A_relay_takes_the_mail_of_its_scope_alone(string domain, Category category, string name) =>
        Assert.Equal([name], Names(RelayChoice.InOrder(Scopes, domain, category, new Random(1))));

    [Fact]
    public void Mail_that_no_relay_serves_takes_another_way()
    {
        Assert.Empty(RelayChoice.InOrder([], Domain, Category.Support, new Random(1)));
        Assert.Empty(RelayChoice.InOrder([Scopes[0], Scopes[4]], Domain, Category.Marketing, new Random(1)));
    }

    [Fact]
    public void The_lower_priority_goes_first_and_a_less_specific_scope_never_takes_over()
    {
        Relay[] relays = [Relay("third") with { Tenant = Tenant, Priority = 20 }, Relay("first") with { Tenant = Tenant, Priority = 1 }, Relay("second") with { Tenant = Tenant, Priority = 3 }, Relay("everyone")];
        for (var seed = 0; seed < 20; seed++) Assert.Equal(["first", "second", "third"], Names(RelayChoice.InOrder(relays, Domain, Category.Support, new Random(seed))));
    }

    [Fact]
    public void Among_equals_each_gets_its_weights_share_and_the_others_stand_behind_it()
    {
        const int draws = 20_000;
        Relay[] relays = [Relay("one") with { Weight = 1 }, Relay("three") with { Weight = 3 }, Relay("six") with { Weight = 6 }];
        var random = new Random(20261124);
        var firsts = Enumerable.Range(0, draws).Select(_ => RelayChoice.InOrder(relays, Domain, Category.Support, random)).ToList();

        Assert.All(firsts, order => Assert.Equal(3, order.Distinct().Count()));
        // Five standard deviations of the widest.
        Assert.All(relays, relay => Assert.InRange(firsts.Count(order => order[0] == relay) / (double)draws, relay.Weight / 10.0 - 0.018, relay.Weight / 10.0 + 0.018));
        // Without the first, the next two share by their own weights.
        var afterSix = firsts.Where(order => order[0].Name == "six").ToList();
        Assert.InRange(afterSix.Count(order => order[1].Name == "three") / (double)afterSix.Count, 0.73, 0.77);
    }

    private static IEnumerable<string> Names(IEnumerable<Relay> relays) => relays.Select(relay => relay.Name);

    private static Relay Relay(string name) => new()
    {
        Id = PrefixedId.New<RelayId>(),
        Tenant = null,
        Name = name,
        Host = "smtp.example.com",
        Port = 587,
        Tls = RelayTls.StartTls,
        Priority = 0,
        Weight = 1,
        Limits = new RelayLimits(),
        Enabled = true,
    };
}
