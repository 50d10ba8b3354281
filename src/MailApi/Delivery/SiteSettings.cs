using System.ComponentModel.DataAnnotations;
using MailApi.Mail.Composition;
using MailApi.Mail.Shaping;

namespace MailApi.Delivery;

/// <summary>
/// Section <c>Delivery:Sites:{profile}</c>; what is not set keeps the shipped profile's value, or that of <c>default</c> in a profile of a new name. What is
/// set for <c>default</c> holds for <c>private</c> too, unless that sets it itself.
/// </summary>
public sealed class SiteSettings
{
    /// <summary>Names of mail hosts that the profile holds for, each with everything below it.</summary>
    public string[]? MxSuffixes { get; set; }

    /// <summary>Connections at the same time, of all nodes together.</summary>
    [Range(1, 1000)]
    public int? Connections { get; set; }

    /// <summary>Messages on one connection.</summary>
    [Range(1, 100_000)]
    public int? MessagesPerConnection { get; set; }

    /// <summary>Messages a second, of all nodes together; 0: as many as the connections carry.</summary>
    [Range(0, 100_000)]
    public double? PerSecond { get; set; }

    /// <summary>How long a connection waits for its next message.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan? IdleTime { get; set; }

    /// <summary>Why a profile cannot be as it is set; null when it can.</summary>
    internal static string? Flaw(string name, SiteSettings settings)
    {
        var shipped = ShippedProfiles.All.FirstOrDefault(profile => profile.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (shipped is { MxSuffixes.Count: 0 } && settings.MxSuffixes is not null) return "MxSuffixes: this profile is not chosen by names of mail hosts.";
        if (shipped is null && settings.MxSuffixes is not { Length: > 0 })
            return $"MxSuffixes: a profile of this name is not shipped ({string.Join(", ", ShippedProfiles.All.Select(profile => profile.Name))}), so it must say for which mail hosts it holds.";
        return settings.MxSuffixes?.FirstOrDefault(suffix => !DomainName.TryParse(suffix, out _)) is { } wrong ? $"MxSuffixes: {wrong} is no name of a mail host." : null;
    }

    /// <summary>The shipped profiles with these changes, and the new ones.</summary>
    internal static SiteProfiles Profiles(IReadOnlyDictionary<string, SiteSettings> settings)
    {
        var profiles = ShippedProfiles.All.ToDictionary(profile => profile.Name, StringComparer.OrdinalIgnoreCase);
        if (settings.FirstOrDefault(it => it.Key.Equals(ShippedProfiles.Default, StringComparison.OrdinalIgnoreCase)).Value is { } common)
            foreach (var name in (string[])[ShippedProfiles.Default, ShippedProfiles.Private]) profiles[name] = common.Change(profiles[name]);
        foreach (var (name, changes) in settings)
            profiles[name] = changes.Change(profiles.GetValueOrDefault(name) ?? profiles[ShippedProfiles.Default] with { Name = name });
        return new SiteProfiles(profiles.Values);
    }

    private SiteProfile Change(SiteProfile profile) => profile with
    {
        MxSuffixes = MxSuffixes?.Select(suffix => suffix.ToLowerInvariant()).ToArray() ?? profile.MxSuffixes,
        Connections = Connections ?? profile.Connections,
        MessagesPerConnection = MessagesPerConnection ?? profile.MessagesPerConnection,
        PerSecond = PerSecond is { } rate ? rate > 0 ? rate : null : profile.PerSecond,
        IdleTime = IdleTime ?? profile.IdleTime,
        Source = "configured",
        AsOf = profile.AsOf,
    };
}
