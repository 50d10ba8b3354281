using System.Text;

namespace MailApi.Domains;

/// <summary>Records as lines of a zone file (RFC 1035 §5).</summary>
internal static class ZoneFile
{
    /// <summary>A character string holds no more (RFC 1035 §3.3).</summary>
    private const int StringOctetsMax = 255;
    private const int SecondsToLive = 3600;

    public static string Line(DomainRecord record) => Line(record.Name, record.Type, record.Type switch
    {
        "TXT" => Strings(record.Value),
        "MX" => $"{record.Priority} {record.Value}.",
        _ => record.Value + ".",
    });

    public static string Line(string name, string type, string data) => $"{name}. {SecondsToLive} IN {type} {data}";

    /// <summary>A text as quoted strings of at most 255 octets.</summary>
    public static string Strings(string text)
    {
        var line = new StringBuilder();
        foreach (var part in Encoding.UTF8.GetBytes(text).Chunk(StringOctetsMax))
        {
            line.Append(line.Length == 0 ? "\"" : " \"");
            foreach (var octet in part)
            {
                if (octet is (byte)'"' or (byte)'\\') line.Append('\\').Append((char)octet);
                else if (octet is >= 0x20 and < 0x7F) line.Append((char)octet);
                else line.Append('\\').Append(octet.ToString("000", System.Globalization.CultureInfo.InvariantCulture));
            }
            line.Append('"');
        }
        return line.Length == 0 ? "\"\"" : line.ToString();
    }
}
