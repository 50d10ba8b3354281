using System.Globalization;
using System.Text.RegularExpressions;
using MailApi.Testing;

namespace MailApi.Tests.Domains;

/// <summary>Publishes the lines of a zone file as the service prints them, and nothing else.</summary>
internal static partial class ZoneLines
{
    public static DnsZone Publish(this DnsZone dns, string zone)
    {
        foreach (var line in zone.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, type, data) = Read(line);
            dns.Add(name, type switch
            {
                "TXT" => DnsRecord.Txt(string.Concat(Quoted().Matches(data).Select(match => match.Groups[1].Value.Replace("\\\"", "\"", StringComparison.Ordinal)))),
                "MX" => DnsRecord.Mx(ushort.Parse(data.Split(' ')[0], CultureInfo.InvariantCulture), data.Split(' ')[1].TrimEnd('.')),
                "CNAME" => DnsRecord.Cname(data.TrimEnd('.')),
                _ => throw new FormatException(line),
            });
        }
        return dns;
    }

    /// <summary><c>name. ttl IN type data</c>.</summary>
    public static (string Name, string Type, string Data) Read(string line)
    {
        var words = line.Split(' ', 5);
        Assert.Equal("IN", words[2]);
        return (words[0].TrimEnd('.'), words[3], words[4]);
    }

    [GeneratedRegex("""
        "((?:[^"\\]|\\.)*)"
        """)]
    private static partial Regex Quoted();
}
