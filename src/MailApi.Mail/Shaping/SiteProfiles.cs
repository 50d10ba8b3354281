using MailApi.Mail.Routing;

namespace MailApi.Mail.Shaping;

/// <summary>The profiles in force, and which of them holds for a route.</summary>
public sealed class SiteProfiles
{
    private readonly Dictionary<string, SiteProfile> byName;
    private readonly List<(string Suffix, SiteProfile Profile)> bySuffix;

    /// <param name="profiles">With distinct names; those named in <see cref="ShippedProfiles"/>'s constants among them.</param>
    public SiteProfiles(IEnumerable<SiteProfile> profiles)
    {
        byName = profiles.ToDictionary(profile => profile.Name, StringComparer.OrdinalIgnoreCase);
        bySuffix = [.. byName.Values.SelectMany(profile => profile.MxSuffixes.Select(suffix => (suffix, profile))).OrderByDescending(it => it.suffix.Length)];
    }

    public SiteProfile For(Route route)
    {
        if (route.Site.StartsWith("relay:", StringComparison.Ordinal)) return Limited(byName[ShippedProfiles.Relay], route.Limits);
        var host = route.Hosts[0].Name;
        foreach (var (suffix, profile) in bySuffix)
            if (IsAtOrBelow(host, suffix)) return profile;
        var isPrivate = route.Hosts.All(it => !it.Addresses.Any(GlobalUnicast.Contains));
        return byName[isPrivate ? ShippedProfiles.Private : ShippedProfiles.Default];
    }

    /// <summary>A relay's rate is kept by permits, which all nodes share; here its connections are.</summary>
    private static SiteProfile Limited(SiteProfile profile, RouteLimits? limits) => limits is null ? profile : profile with
    {
        Connections = limits.Connections ?? profile.Connections,
        MessagesPerConnection = limits.MessagesPerConnection ?? profile.MessagesPerConnection,
    };

    private static bool IsAtOrBelow(string host, string suffix) =>
        host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && (host.Length == suffix.Length || host[host.Length - suffix.Length - 1] == '.');
}
