using System.Net;
using System.Text.Json.Nodes;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>What the NetworkPolicies of a build come to, by the rules of networking.k8s.io/v1: a policy selects pods, rules add up.</summary>
internal sealed class NetworkRules(Manifests manifests)
{
    /// <summary>No pod is left out: what no rule allows is denied, both ways.</summary>
    public bool DenyByDefault => manifests.OfKind("NetworkPolicy").Any(policy =>
        policy.At("spec", "podSelector") is JsonObject { Count: 0 } && policy["spec"]!["ingress"] is null && policy["spec"]!["egress"] is null
        && policy.List("spec", "policyTypes").Select(type => (string)type!).Order().SequenceEqual(["Egress", "Ingress"]));

    /// <summary>The peers that may come in on a port. A null peer is anyone.</summary>
    public IEnumerable<JsonNode?> From(Workload workload, int port) => Peers(workload, "ingress", "from", port);

    /// <summary>The peers that may be reached at a port. A null peer is anyone.</summary>
    public IEnumerable<JsonNode?> To(Workload workload, int port) => Peers(workload, "egress", "to", port);

    public bool MayReach(Workload workload, IPAddress address, int port) => To(workload, port).Any(peer => peer is null || Contains(peer["ipBlock"], address));

    public bool MayTalk(Workload from, Workload to, int port) =>
        To(from, port).Any(peer => peer is null || Selects(peer["podSelector"], to)) && From(to, port).Any(peer => peer is null || Selects(peer["podSelector"], from));

    private static IEnumerable<JsonNode?> Anyone => [null];

    private IEnumerable<JsonNode?> Peers(Workload workload, string direction, string side, int port) =>
        from policy in manifests.OfKind("NetworkPolicy")
        where Selects(policy.At("spec", "podSelector"), workload)
        from rule in policy.List("spec", direction)
        where rule["ports"] is null || rule.List("ports").Any(allowed => Covers(workload, allowed, port))
        from peer in rule[side] is null ? Anyone : rule.List(side)
        select peer;

    private static bool Covers(Workload workload, JsonNode allowed, int port)
    {
        if (allowed["port"] is null) return true;
        if (!int.TryParse(allowed.Text("port"), out var first))
            return workload.Container.List("ports").Any(named => named.Text("name") == allowed.Text("port") && named.Text("containerPort") == $"{port}");
        return port >= first && port <= (allowed.Text("endPort") is { } last ? int.Parse(last) : first);
    }

    private static bool Selects(JsonNode? selector, Workload workload)
    {
        if (selector is null) return false;
        if (selector["matchExpressions"] is not null) throw new NotSupportedException("The policies here select by labels alone.");
        return selector.Map("matchLabels").All(label => workload.Labels.GetValueOrDefault(label.Key) == label.Value);
    }

    private static bool Contains(JsonNode? block, IPAddress address) =>
        block is not null && IPNetwork.Parse(block.Text("cidr")!).Contains(address) && !block.List("except").Any(except => IPNetwork.Parse((string)except!).Contains(address));
}
