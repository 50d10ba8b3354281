using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Tls;

/// <summary>What senders are to do where a policy cannot be kept (RFC 8461 §5).</summary>
public enum StsMode
{
    None,

    /// <summary>Deliver, and tell.</summary>
    Testing,

    /// <summary>Do not deliver.</summary>
    Enforce,
}

/// <summary>An MTA-STS policy (RFC 8461 §3.2).</summary>
/// <param name="Mode">What it asks for.</param>
/// <param name="Hosts">Patterns for the names of mail hosts, in lower case; none only with <see cref="StsMode.None"/>.</param>
/// <param name="MaxAge">How long it holds without being seen again.</param>
public sealed record StsPolicy(StsMode Mode, IReadOnlyList<string> Hosts, TimeSpan MaxAge)
{
    /// <summary>RFC 8461 §3.3 suggests it.</summary>
    public const int BytesMax = 64 * 1024;

    /// <summary>Of patterns; more than any domain has mail hosts.</summary>
    public const int HostsMax = 200;

    /// <summary>RFC 8461 §3.2.</summary>
    private const long MaxAgeSeconds = 31_557_600;

    /// <summary>Whether this mail host is one of the domain's (RFC 8461 §4.1): <c>*.</c> stands for exactly one label.</summary>
    public bool Allows(string host) => Hosts.Any(pattern => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? host.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && host.AsSpan(dot).Equals(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase)
        : host.Equals(pattern, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads a policy; fields that are not known are passed over, and of those that may stand once the first counts.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out StsPolicy? policy, [NotNullWhen(false)] out string? error)
    {
        policy = null;
        var (fields, hosts) = (new Dictionary<string, string>(StringComparer.Ordinal), new List<string>());
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) return No("a line is no field", out error);
            var (name, value) = (line[..colon].TrimEnd(), line[(colon + 1)..].Trim());
            if (name == "mx") hosts.Add(value.TrimEnd('.').ToLowerInvariant());
            else fields.TryAdd(name, value);
        }
        if (fields.GetValueOrDefault("version") != "STSv1") return No("its version is not STSv1", out error);
        StsMode? known = fields.GetValueOrDefault("mode") switch { "none" => StsMode.None, "testing" => StsMode.Testing, "enforce" => StsMode.Enforce, _ => null };
        if (known is not { } mode) return No("its mode is none of enforce, testing, none", out error);
        if (!long.TryParse(fields.GetValueOrDefault("max_age"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return No("it has no max_age", out error);
        if (mode != StsMode.None && hosts.Count == 0) return No("it names no mail host (mx)", out error);
        if (hosts.Count > HostsMax) return No($"it names more than {HostsMax} mail hosts", out error);
        if (hosts.Find(host => !HostName.IsValid(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host)) is not null) return No("an mx is no host name", out error);
        (policy, error) = (new StsPolicy(mode, hosts, TimeSpan.FromSeconds(Math.Min(seconds, MaxAgeSeconds))), null);
        return true;

        static bool No(string why, out string? error)
        {
            error = why;
            return false;
        }
    }

    /// <summary>The id in the TXT records at <c>_mta-sts.</c> (RFC 8461 §3.1); null where there is not exactly one such record.</summary>
    public static string? IdIn(IEnumerable<string> records)
    {
        List<string> found = [.. records.Where(text => text == "v=STSv1" || (text.StartsWith("v=STSv1", StringComparison.Ordinal) && text[7..].TrimStart(' ', '\t') is [';', ..]))];
        if (found.Count != 1) return null;
        var id = found[0].Split(';', StringSplitOptions.TrimEntries).FirstOrDefault(field => field.StartsWith("id=", StringComparison.Ordinal))?[3..];
        return id is { Length: > 0 and <= 32 } && id.All(char.IsAsciiLetterOrDigit) ? id : null;
    }
}
