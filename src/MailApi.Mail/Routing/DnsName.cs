using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Mail.Routing;

/// <summary>
/// Names as text: lower case, without the trailing dot, the root empty. Octets that are not printable ASCII, dots inside of labels and
/// backslashes are <c>\DDD</c> (RFC 1035 §5.1), so that equal names are equal texts and every dot separates labels.
/// </summary>
internal static class DnsName
{
    /// <summary>RFC 1035 §2.3.4.</summary>
    public const int WireBytesMax = 255;
    public const int LabelBytesMax = 63;

    /// <summary>Reads a name of a message, compressed or not, and moves <paramref name="at"/> behind it.</summary>
    /// <returns>Null if it is malformed.</returns>
    public static string? Read(ReadOnlySpan<byte> message, ref int at)
    {
        var text = new StringBuilder(64);
        var (position, segment, bytes, jumped) = (at, at, 1, false);
        while (position < message.Length)
        {
            int length = message[position++];
            if (length >= 0xC0)
            {
                if (position >= message.Length) return null;
                var target = ((length & 0x3F) << 8) | message[position];
                if (!jumped) (at, jumped) = (position + 1, true);
                // Only ever backwards: thus it ends.
                if (target >= segment) return null;
                position = segment = target;
                continue;
            }
            if (length == 0)
            {
                if (!jumped) at = position;
                return text.ToString();
            }
            bytes += length + 1;
            if (length > LabelBytesMax || bytes > WireBytesMax || position + length > message.Length) return null;
            if (text.Length > 0) text.Append('.');
            foreach (var octet in message.Slice(position, length)) Append(text, octet);
            position += length;
        }
        return null;
    }

    /// <summary>The name as labels without compression; null if it is none.</summary>
    public static byte[]? ToWire(string name)
    {
        var wire = new List<byte>(name.Length + 2);
        if (name.Length > 0)
        {
            foreach (var label in name.Split('.'))
            {
                if (Octets(label) is not { Length: > 0 and <= LabelBytesMax } octets) return null;
                wire.Add((byte)octets.Length);
                wire.AddRange(octets);
            }
        }
        wire.Add(0);
        return wire.Count <= WireBytesMax ? [.. wire] : null;
    }

    /// <summary>The one text of a name that came from elsewhere; null if it is none.</summary>
    public static string? Canonical(string name)
    {
        var at = 0;
        return ToWire(name.TrimEnd('.')) is { } wire ? Read(wire, ref at) : null;
    }

    /// <summary>The name that says whose an address is (RFC 1035 §3.5, RFC 3596 §2.5).</summary>
    public static string Reverse(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        var octets = address.GetAddressBytes().Reverse();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Join('.', octets) + ".in-addr.arpa"
            : string.Concat(octets.Select(octet => string.Create(CultureInfo.InvariantCulture, $"{octet & 0xF:x}.{octet >> 4:x}."))) + "ip6.arpa";
    }

    /// <summary>The name one label up; the root's is the root.</summary>
    public static string Parent(string name) => name.IndexOf('.', StringComparison.Ordinal) is >= 0 and var dot ? name[(dot + 1)..] : "";

    public static int Labels(string name) => name.Length == 0 ? 0 : name.AsSpan().Count('.') + 1;

    /// <summary>The last <paramref name="labels"/> labels.</summary>
    public static string Last(string name, int labels)
    {
        for (var more = Labels(name) - labels; more > 0; more--) name = Parent(name);
        return name;
    }

    /// <summary>Whether the name is <paramref name="zone"/> or below it.</summary>
    public static bool IsWithin(string name, string zone) =>
        zone.Length == 0 || name == zone || (name.Length > zone.Length && name.EndsWith(zone, StringComparison.Ordinal) && name[^(zone.Length + 1)] == '.');

    /// <summary>The longest name that both are within.</summary>
    public static string Common(string one, string other)
    {
        while (!IsWithin(other, one)) one = Parent(one);
        return one;
    }

    /// <summary>The canonical order of names (RFC 4034 §6.1): label by label from the right, by octets.</summary>
    public static int Compare(string left, string right)
    {
        var (these, those) = (Split(left), Split(right));
        for (var i = 1; i <= Math.Min(these.Length, those.Length); i++)
        {
            var order = Octets(these[^i]).AsSpan().SequenceCompareTo(Octets(those[^i]));
            if (order != 0) return order;
        }
        return these.Length.CompareTo(those.Length);
    }

    private static string[] Split(string name) => name.Length == 0 ? [] : name.Split('.');

    private static void Append(StringBuilder text, byte octet)
    {
        if (octet is > 0x20 and < 0x7F and not (byte)'.' and not (byte)'\\') text.Append(char.ToLowerInvariant((char)octet));
        else text.Append(CultureInfo.InvariantCulture, $"\\{octet:000}");
    }

    /// <summary>Null if a character is not ASCII. A backslash without three digits behind it stands for itself.</summary>
    private static byte[]? Octets(string label)
    {
        var octets = new List<byte>(label.Length);
        for (var i = 0; i < label.Length; i++)
        {
            if (label[i] == '\\' && i + 3 < label.Length && byte.TryParse(label.AsSpan(i + 1, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var octet))
            {
                octets.Add(octet);
                i += 3;
            }
            else if (char.IsAscii(label[i])) octets.Add((byte)char.ToLowerInvariant(label[i]));
            else return null;
        }
        return [.. octets];
    }
}
