using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MailApi.Mail.Dnssec;

/// <summary>A key of the root that is believed without proof, as its DS record (RFC 4034 §5).</summary>
public sealed record TrustAnchor
{
    private TrustAnchor(DsData data) => Data = data;

    internal DsData Data { get; }

    /// <summary>What IANA publishes at https://data.iana.org/root-anchors/: the keys of 2017 and of 2024.</summary>
    public static IReadOnlyList<TrustAnchor> Root { get; } =
    [
        Parse("20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"),
        Parse("38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"),
    ];

    /// <summary>Reads the data of a DS record: key tag, algorithm, digest type, digest in hexadecimal.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out TrustAnchor? anchor)
    {
        anchor = null;
        var words = (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 4
            || !ushort.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var tag)
            || !byte.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var algorithm)
            || !byte.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out var digestType)) return false;
        var hex = string.Concat(words[3..]);
        if (hex.Length is 0 or > 128 || hex.Length % 2 != 0 || !hex.All(char.IsAsciiHexDigit)) return false;
        anchor = new TrustAnchor(new DsData(tag, algorithm, digestType, Convert.FromHexString(hex)));
        return true;
    }

    private static TrustAnchor Parse(string text) => TryParse(text, out var anchor) ? anchor : throw new FormatException(text);
}
