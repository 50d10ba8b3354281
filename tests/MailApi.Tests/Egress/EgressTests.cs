using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Delivery.Egress;
using MailApi.Testing;
using MailApi.Tests.Http;

namespace MailApi.Tests.Egress;

/// <summary>From the settings to the wire: a host with pools of loopback addresses, which receivers see as public ones.</summary>
public sealed class EgressTests : IAsyncLifetime
{
    private const string First = "mail.first.example", Second = "mail.second.example";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestHost host = new()
    {
        Settings =
        [
            "Delivery:EgressAddresses=", "Diagnosis:AddressBlocklists:0=bl.test",
            .. Address("default", 0, 31), .. Address("first", 0, 32), .. Address("first", 1, 33), .. Address("first", 2, 34), .. Address("second", 0, 35),
            $"Delivery:Pools:first:Domains:0={First}", $"Delivery:Pools:second:Domains:0={Second}", "Delivery:Pools:second:Overflow=default",
            $"Delivery:Pools:second:Addresses:0:Since={DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime):yyyy-MM-dd}",
        ],
    };

    public async ValueTask InitializeAsync()
    {
        host.Dns.Add("32.12.83.45.in-addr.arpa", DnsRecord.Reverse("out32.test")).A("out32.test", "45.83.12.32");
        host.Dns.Add("33.12.83.45.in-addr.arpa", DnsRecord.Reverse("stranger.test"));
        host.Dns.A("34.12.83.45.bl.test", "127.0.0.2").A("35.12.83.45.bl.test", "127.255.255.254");
        await host.InitializeAsync();
        await Eventually.HoldsAsync(async () => (await Addresses()).Count == 5, Patience, "all addresses were looked at", CancellationToken.None);
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task Mail_leaves_from_its_pool_alone_in_turn_and_each_address_says_its_own_name()
    {
        var (first, other) = (await host.NewTenant(domain: First), await host.NewTenant());
        var (own, others) = (Recipients(8), Recipients(4));
        await Task.WhenAll(own.Select(async recipient => await first.WaitFor(await first.Send(first.Mail(recipient)), "delivered")));
        await Task.WhenAll(others.Select(async recipient => await other.WaitFor(await other.Send(other.Mail(recipient)), "delivered")));

        // 34 is blocklisted.
        Assert.Equal(["127.0.0.32 out32.test", "127.0.0.33 out33.test"], Sources(own).Distinct().Order());
        Assert.Equal(["127.0.0.31 out31.test"], Sources(others).Distinct());
        // To the sandbox it leaves from wherever the system chooses.
        await first.WaitFor(await first.Send(first.Mail("ann@example.net"), first.Test), "delivered");
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task What_an_address_may_not_send_on_its_first_day_leaves_from_the_overflow_and_is_counted()
    {
        const int Messages = WarmUp.FirstDay + 5;
        var tenant = await host.NewTenant(domain: Second);
        var recipients = Recipients(Messages);
        var id = await tenant.Send(tenant.Mail([.. recipients]));
        await tenant.WaitFor(id, "delivered");

        var bySource = Sources(recipients).CountBy(source => source).ToDictionary();
        Assert.Equal((WarmUp.FirstDay, 5), (bySource["127.0.0.35 out35.test"], bySource["127.0.0.31 out31.test"]));
        await Eventually.HoldsAsync(async () => (await Addresses())["127.0.0.35"].GetProperty("sentToday").GetInt64() == WarmUp.FirstDay, Patience, "all are counted", CancellationToken.None);
        var view = (await Addresses())["127.0.0.35"];
        Assert.Equal(("warming", WarmUp.FirstDay), (view.GetProperty("state").GetString(), view.GetProperty("allowance").GetInt32()));
        Assert.Equal(("mx.example.net", WarmUp.FirstDay), (view.GetProperty("sites")[0].GetProperty("site").GetString(), view.GetProperty("sites")[0].GetProperty("messages").GetInt32()));
    }

    [Fact]
    [Trait("Takes", "seconds")]
    public async Task The_operator_sees_what_receivers_see_of_each_address_and_what_to_do()
    {
        var addresses = await Addresses();

        Assert.Equal("first active 45.83.12.32 out32.test: reverseDns pass, helo pass", Line(addresses["127.0.0.32"]));
        Assert.Equal("first active 45.83.12.33 out33.test: reverseDns fail, helo fail", Line(addresses["127.0.0.33"]));
        Assert.Contains("PTR", addresses["127.0.0.33"].GetProperty("checks")[0].GetProperty("cure").GetString(), StringComparison.Ordinal);
        Assert.Equal("first resting 45.83.12.34 out34.test: reverseDns fail, helo fail", Line(addresses["127.0.0.34"]));
        Assert.Contains("bl.test", addresses["127.0.0.34"].GetProperty("reason").GetString(), StringComparison.Ordinal);
        // A list that answers nobody says nothing.
        Assert.Equal("warming", addresses["127.0.0.35"].GetProperty("state").GetString());
        using var http = new HttpClient { BaseAddress = host.ManagementAddress };
        Assert.Contains("state=\"resting\"", (await http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n').Single(line => line.StartsWith("mailapi_egress_state", StringComparison.Ordinal) && line.Contains("45.83.12.34", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task Verdicts_are_made_with_the_addresses_that_the_domains_mail_would_leave_from()
    {
        var tenant = await host.NewTenant(domain: First);

        var verdict = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/diagnose/send", tenant.Mail("ann@example.net")));
        var health = await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}/health"));

        Assert.Equal("45.83.12.32", verdict.GetProperty("message").GetProperty("clientIp").GetString());
        Assert.Equal("out32.test", verdict.GetProperty("message").GetProperty("helo").GetString());
        Assert.Equal(["45.83.12.32", "45.83.12.33", "45.83.12.34"], health.GetProperty("egress").EnumerateArray().Select(it => it.GetProperty("address").GetString()!));
    }

    private static string[] Address(string pool, int index, int last) =>
    [
        $"Delivery:Pools:{pool}:Addresses:{index}:Address=127.0.0.{last}",
        $"Delivery:Pools:{pool}:Addresses:{index}:Public=45.83.12.{last}",
        $"Delivery:Pools:{pool}:Addresses:{index}:HeloName=out{last}.test",
    ];

    private static List<string> Recipients(int count) => [.. Enumerable.Range(0, count).Select(_ => $"ann.{Guid.NewGuid():N}@example.net")];

    private static string Line(JsonElement view) => $"{view.GetProperty("pool")} {view.GetProperty("state")} {view.GetProperty("address")} {view.GetProperty("heloName")}: "
        + string.Join(", ", view.GetProperty("checks").EnumerateArray().Select(check => $"{check.GetProperty("name")} {check.GetProperty("result")}"));

    /// <summary>The address and name from which these got their mail.</summary>
    private IEnumerable<string> Sources(IReadOnlyCollection<string> recipients) => host.Sink.Messages.Where(mail => recipients.Contains(mail.Recipient))
        .Select(mail => $"{mail.Session.Peer.Split(':')[0]} {mail.Session.Helo}");

    private async Task<Dictionary<string, JsonElement>> Addresses() =>
        (await TestHost.Json(await host.Admin.GetAsync("/egress"))).GetProperty("items").EnumerateArray().ToDictionary(view => view.GetProperty("local").GetString()!);
}
