using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace MailApi.Testing;

/// <summary>A check and what it must conclude. The folder's README describes the columns.</summary>
public sealed record SpfCase(string Name, IPAddress ClientIp, string MailFrom, string Helo, string Result)
{
    public int? Lookups { get; init; }

    /// <summary>Parts of the explanation.</summary>
    public IReadOnlyList<string> Says { get; init; } = [];

    /// <summary>The owner's explanation; empty: there must be none; null: not looked at.</summary>
    public string? OwnersWords { get; init; }

    /// <summary>What pyspf says instead, and why.</summary>
    public (string Result, string Reason)? Pyspf { get; init; }
}

/// <summary>A file of <c>testdata/spf</c>: records of a zone, and checks against them.</summary>
public sealed partial class SpfSuite
{
    private static readonly string Root = Path.Combine(Path.GetDirectoryName(Here())!, "../../MailApi.Mail.Tests/testdata/spf");

    private readonly List<Action<DnsZone>> records = [];
    private readonly List<SpfCase> cases = [];

    private SpfSuite(string name) => Name = name;

    public string Name { get; }

    public IReadOnlyList<SpfCase> Cases => cases;

    public static IReadOnlyList<SpfSuite> All { get; } = [.. Directory.EnumerateFiles(Root, "*.txt").Order(StringComparer.Ordinal).Select(Read)];

    /// <summary>A server that knows the records; the caller ends it.</summary>
    public DnsZone Serve()
    {
        var zone = DnsZone.Start();
        foreach (var add in records) add(zone);
        return zone;
    }

    private static SpfSuite Read(string path)
    {
        var suite = new SpfSuite(Path.GetFileNameWithoutExtension(path));
        foreach (var line in File.ReadLines(path).Where(line => line.Length > 0 && line[0] != '#' && !line.StartsWith("==", StringComparison.Ordinal)))
        {
            if (line.StartsWith("? ", StringComparison.Ordinal)) suite.cases.Add(ReadCase(line[2..]));
            else suite.records.Add(ReadRecord(line));
        }
        return suite;
    }

    private static SpfCase ReadCase(string line)
    {
        var cells = line.Split('|').Select(cell => Unescape(cell.Trim())).ToArray();
        if (cells.Length < 5) throw new InvalidDataException(line);
        var read = new SpfCase(cells[0], IPAddress.Parse(cells[1]), cells[2], cells[3], cells[4]);
        foreach (var cell in cells.Skip(5))
        {
            var colon = cell.IndexOf(": ", StringComparison.Ordinal);
            var (key, value) = (cell[..colon], cell[(colon + 2)..]);
            read = key switch
            {
                "lookups" => read with { Lookups = int.Parse(value, CultureInfo.InvariantCulture) },
                "says" => read with { Says = [.. read.Says, value] },
                "exp" => read with { OwnersWords = value == "-" ? "" : value },
                "pyspf" => read with { Pyspf = (value[..value.IndexOf(';')], value[(value.IndexOf(';') + 2)..]) },
                _ => throw new InvalidDataException(line),
            };
        }
        return read;
    }

    private static Action<DnsZone> ReadRecord(string line)
    {
        var words = line.Split(' ', 3);
        var (name, data) = (Unescape(words[0]), words.Length > 2 ? Unescape(words[2]) : "");
        var mx = data.Split(' ');
        return words[1] switch
        {
            "A" => zone => zone.A(name, data),
            "AAAA" => zone => zone.Add(name, DnsRecord.Aaaa(data)),
            "MX" => zone => zone.Mx(name, ushort.Parse(mx[0], CultureInfo.InvariantCulture), mx[1]),
            "PTR" => zone => zone.Add(name, DnsRecord.Reverse(data)),
            "CNAME" => zone => zone.Cname(name, data),
            "TXT" when data.StartsWith('"') => zone => zone.Add(name, new DnsRecord(DnsType.Txt, [.. data[1..^1].Split("\" \"").SelectMany(Text)])),
            "TXT" => zone => zone.Txt(name, data),
            "NODATA" => zone => zone.Add(name),
            "FAIL" => zone => zone.Fail(name, Enum.Parse<DnsFailure>(data, ignoreCase: true)),
            _ => throw new InvalidDataException(line),
        };
    }

    private static byte[] Text(string text) => [(byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)];

    private static string Unescape(string text) =>
        Escape().Replace(text, match => ((char)int.Parse(match.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString());

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"\\u([0-9A-F]{4})")]
    private static partial Regex Escape();
}
