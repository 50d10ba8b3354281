using System.Globalization;
using System.Security.Cryptography;
using MailApi.Storage;

namespace MailApi.Audit;

/// <summary>The MACs (HMAC-SHA-256) that tie each row to the one before it, and the last one to the head.</summary>
internal sealed class AuditChain(Vault vault)
{
    private readonly Func<byte[]> key = vault.Derived("audit");

    /// <summary>What stands before the first row.</summary>
    public static readonly byte[] Beginning = new byte[HMACSHA256.HashSizeInBytes];

    public byte[] Mac(byte[] before, AuditEntry entry)
    {
        using var octets = new MemoryStream();
        using var writer = new BinaryWriter(octets);
        writer.Write("row");
        writer.Write(before);
        writer.Write(entry.Position);
        writer.Write(entry.At.ToUnixTimeMilliseconds());
        // Texts carry their length, so that nothing can be moved from one field to the next.
        foreach (var text in new[] { entry.Tenant?.ToString(), entry.Actor, entry.Act, entry.Subject, entry.Address })
        {
            writer.Write(text is not null);
            if (text is not null) writer.Write(text);
        }
        return HMACSHA256.HashData(key(), octets.ToArray());
    }

    public byte[] Seal(long position, byte[] mac)
    {
        using var octets = new MemoryStream();
        using var writer = new BinaryWriter(octets);
        writer.Write("head");
        writer.Write(position);
        writer.Write(mac);
        return HMACSHA256.HashData(key(), octets.ToArray());
    }

    public static bool Equal(byte[] one, byte[] other) => CryptographicOperations.FixedTimeEquals(one, other);

    /// <summary><c>17:9f86d081…</c>.</summary>
    public static string Mark(long position, byte[] mac) => string.Create(CultureInfo.InvariantCulture, $"{position}:{Convert.ToHexStringLower(mac)}");

    public static bool TryReadMark(string text, out long position, out byte[] mac)
    {
        (position, mac) = (0, []);
        if (text.Split(':') is not [var number, var hex] || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out position)) return false;
        if (hex.Length != 2 * HMACSHA256.HashSizeInBytes || !hex.All(char.IsAsciiHexDigit)) return false;
        mac = Convert.FromHexString(hex);
        return true;
    }
}
