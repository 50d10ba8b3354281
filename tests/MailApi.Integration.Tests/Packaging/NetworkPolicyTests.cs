using System.Net;
using Xunit;

namespace MailApi.Integration.Tests.Packaging;

public sealed class NetworkPolicyTests
{
    private static readonly IPAddress[] Public = [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")];

    private static readonly IPAddress[] Private =
    [
        .. new[]
        {
            "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1",
            "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fd00::1", "fe80::1", "ff02::1", "64:ff9b::a00:1", "2002:a00:1::",
        }.Select(IPAddress.Parse),
    ];

    private static readonly int[] Interesting = [25, 53, 443, 465, 587, 993, 5432, 5672, 6379, 8025, 8080, 8081, 8443, 8465, 8587];
    private static readonly string[] Roles = ["api", "deliver", "receive", "webhook"];
    private static readonly (string Name, int Port)[] Servers = [("postgresql", 5432), ("rabbitmq", 5672), ("redis", 6379)];

    public static TheoryData<string, string, string, string, string> WhoDoesWhat => new()
    {
        { "all-in-one", "mailapi", "mailapi", "mailapi", "mailapi" },
        { "distributed", "api", "deliver", "webhook", "receive" },
    };

    [Theory]
    [MemberData(nameof(WhoDoesWhat))]
    public async Task What_is_not_allowed_is_denied(string overlay, string api, string deliver, string webhook, string receive)
    {
        var manifests = await Manifests.Build(overlay);
        Assert.True(new NetworkRules(manifests).DenyByDefault);
        string[] named = [api, deliver, webhook, receive];
        Assert.Equal(named.Distinct().Order(), manifests.Workloads.Where(workload => workload.IsMailApi).Select(workload => workload.Name).Order());
    }

    [Theory]
    [MemberData(nameof(WhoDoesWhat))]
    public async Task Only_what_delivers_reaches_mail_exchangers_and_only_what_calls_webhooks_their_ports(string overlay, string api, string deliver, string webhook, string receive)
    {
        var manifests = await Manifests.Build(overlay);
        Assert.Equal([deliver], Reaching(manifests, 25));
        // The API tries relays out.
        foreach (var port in new[] { 465, 587, 2465, 2525, 2587 }) Assert.Equal(new[] { api, deliver }.Distinct().Order(), Reaching(manifests, port));
        Assert.Equal([webhook], Reaching(manifests, 8443));
        // MTA-STS policies (RFC 8461 §3.3), and the access tokens of relays and mailboxes.
        Assert.Equal(new[] { api, deliver, webhook, receive }.Distinct().Order(), Reaching(manifests, 443));
        // What receives reads mailboxes, and the API tries them out.
        foreach (var port in new[] { 110, 143, 993, 995 }) Assert.Equal(new[] { api, receive }.Distinct().Order(), Reaching(manifests, port));
        // Domains are verified at the servers of their zones.
        Assert.Equal([api], Reaching(manifests, 53));
        foreach (var port in new[] { 22, 80, 5432, 8080 }) Assert.Empty(Reaching(manifests, port));
        if (receive != deliver) Assert.DoesNotContain(receive, Interesting.Except([443, 993]).SelectMany(port => Reaching(manifests, port)));
    }

    [Theory]
    [InlineData("all-in-one")]
    [InlineData("distributed")]
    public async Task The_way_out_does_not_lead_back_in(string overlay)
    {
        var manifests = await Manifests.Build(overlay);
        var rules = new NetworkRules(manifests);
        var leaks = from workload in manifests.Workloads
                    from address in Private
                    from port in Interesting
                    where rules.MayReach(workload, address, port)
                    select $"{workload.Name} → {address}:{port}";
        Assert.Empty(leaks);
    }

    [Theory]
    [MemberData(nameof(WhoDoesWhat))]
    public async Task The_api_and_SMTP_are_open_to_anyone_and_management_to_monitoring(string overlay, string api, string deliver, string webhook, string receive)
    {
        var manifests = await Manifests.Build(overlay);
        var rules = new NetworkRules(manifests);
        var open = from workload in manifests.Workloads
                   from port in workload.Ports
                   where rules.From(workload, port).Any(peer => peer is null || peer["ipBlock"] is not null)
                   select (workload.Name, port);
        Assert.Equal(new[] { (api, 8080), (receive, 8025), (receive, 8465), (receive, 8587) }.Order(), open.Order());

        Assert.All(new[] { api, deliver, webhook, receive }.Distinct().Select(manifests.Workload), workload =>
        {
            var peer = Assert.Single(rules.From(workload, 8081));
            Assert.Equal("monitoring", peer.Text("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name"));
            Assert.Null(peer!["podSelector"]);
        });
    }

    [Theory]
    [MemberData(nameof(WhoDoesWhat))]
    public async Task Everything_of_ours_resolves_names(string overlay, string api, string deliver, string webhook, string receive)
    {
        var manifests = await Manifests.Build(overlay);
        Assert.All(new[] { api, deliver, webhook, receive }.Distinct().Select(manifests.Workload), workload =>
            Assert.Contains(new NetworkRules(manifests).To(workload, 53), peer => peer.Text("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name") == "kube-system"));
    }

    [Fact]
    public async Task Every_role_reaches_the_servers_and_the_servers_reach_nobody()
    {
        var manifests = await Manifests.Build("distributed");
        var rules = new NetworkRules(manifests);
        var servers = manifests.Workloads.Where(workload => !workload.IsMailApi).ToList();
        var talks = from client in manifests.Workloads
                    from to in servers
                    from port in to.Ports
                    where rules.MayTalk(client, to, port)
                    select (client.Name, to.Name, port);
        var expected = from role in Roles
                       from server in Servers
                       select (role, server.Name, server.Port);
        Assert.Equal(expected.Order(), talks.Order());
        Assert.All(servers, server => Assert.Empty(Interesting.SelectMany(port => rules.To(server, port))));
    }

    /// <summary>Who may open a connection to this port of the public internet, of either family.</summary>
    private static string[] Reaching(Manifests manifests, int port)
    {
        var rules = new NetworkRules(manifests);
        return [.. manifests.Workloads.Where(workload => Public.Any(address => rules.MayReach(workload, address, port))).Select(workload => workload.Name).Order()];
    }
}
