using System.Collections.Frozen;

namespace MailApi.Mail.Preflight;

/// <summary>Kinds of files by the end of their names and by their first octets.</summary>
internal static class FileTypes
{
    /// <summary>What Gmail blocks, also inside archives (support.google.com/mail/answer/6590, November 2026), and Outlook besides.</summary>
    private static readonly FrozenSet<string> Blocked = new[]
    {
        "ade", "adp", "apk", "appx", "appxbundle", "bat", "cab", "chm", "cmd", "com", "cpl", "diagcab", "diagcfg", "diagpkg", "dll", "dmg", "ex", "ex_", "exe", "hta", "img",
        "ins", "iso", "isp", "jar", "jnlp", "js", "jse", "lib", "lnk", "mde", "mjs", "msc", "msi", "msix", "msixbundle", "msp", "mst", "nsh", "pif", "ps1", "scr", "sct", "shb",
        "sys", "vb", "vbe", "vbs", "vhd", "vxd", "wsc", "wsf", "wsh", "xll",
        "app", "asp", "bas", "crt", "csh", "der", "fxp", "gadget", "hlp", "inf", "its", "ksh", "mad", "maf", "mag", "mam", "maq", "mar", "mas", "mat", "mau", "mav", "maw", "mda",
        "mdb", "mdt", "mdw", "mdz", "msh", "ops", "pcd", "plg", "prf", "prg", "ps2", "psc1", "psc2", "py", "pyc", "pyo", "pyw", "pyz", "reg", "scf", "shs", "theme", "tmp", "url",
        "vsmacros", "website", "ws", "xbap", "vhdx", "udl", "library-ms", "search-ms", "settingcontent-ms",
    }.ToFrozenSet();

    /// <summary>Documents that may hold macros, which many companies refuse.</summary>
    private static readonly FrozenSet<string> Macros = new[] { "docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppam", "ppsm", "sldm" }.ToFrozenSet();

    private static readonly FrozenSet<string> Everyday = new[]
    {
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "jpg", "jpeg", "png", "gif", "htm", "html", "zip", "mp3", "mp4", "rtf", "xml",
    }.ToFrozenSet();

    private static readonly (string[] Extensions, string Type, byte[] Start)[] Signatures =
    [
        (["pdf"], "application/pdf", "%PDF"u8.ToArray()),
        (["png"], "image/png", [0x89, (byte)'P', (byte)'N', (byte)'G']),
        (["jpg", "jpeg"], "image/jpeg", [0xFF, 0xD8, 0xFF]),
        (["gif"], "image/gif", "GIF8"u8.ToArray()),
        (["zip", "docx", "xlsx", "pptx"], "application/zip", "PK"u8.ToArray()),
    ];

    public static string ExtensionOf(string name) => name.LastIndexOf('.') is >= 0 and var dot ? name[(dot + 1)..].Trim().ToLowerInvariant() : "";

    public static bool IsBlocked(string name) => Blocked.Contains(ExtensionOf(name.TrimEnd('.', ' ')));

    public static bool HoldsMacros(string name) => Macros.Contains(ExtensionOf(name));

    /// <summary><c>invoice.pdf.exe</c>, but not <c>report.2026.pdf</c> nor <c>data.csv.zip</c>.</summary>
    public static bool HasDoubleExtension(string name)
    {
        var last = ExtensionOf(name);
        if (last.Length is 0 or > 5 || last is "zip" or "gz" or "sig" or "asc" or "p7s") return false;
        var before = ExtensionOf(name[..name.LastIndexOf('.')].TrimEnd());
        return before != last && Everyday.Contains(before);
    }

    /// <summary>What the octets are, if it is something that the name or the declared type contradicts; null otherwise.</summary>
    public static string? Contradiction(string name, string mimeType, ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("MZ"u8) || start.StartsWith((byte[])[0x7F, (byte)'E', (byte)'L', (byte)'F'])) return "a program";
        var extension = ExtensionOf(name);
        foreach (var (extensions, type, signature) in Signatures)
        {
            if ((extensions.Contains(extension) || type == mimeType) && !start.StartsWith(signature)) return $"no {(extension.Length > 0 ? extension : type)} file";
            if (start.StartsWith(signature) && !extensions.Contains(extension) && Signatures.Any(other => other.Extensions.Contains(extension))) return $"a file of type {type}";
        }
        return null;
    }
}
