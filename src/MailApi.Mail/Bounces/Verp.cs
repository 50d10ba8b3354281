using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MailApi.Mail.Bounces;

/// <summary>
/// Return paths that name their envelope (variable envelope return path): <c>&lt;tag&gt;@bounces.mail.shop.example</c>. The tag holds the envelope id,
/// the day it expires and a keyed MAC, so that nobody else can make one: 28 octets in base32, 45 characters of the 64 that a local part may have.
/// </summary>
public sealed class Verp(Func<byte[]> key)
{
    private const int IdOctets = 16;
    private const int DayOctets = 2;
    private const int TagOctets = IdOctets + DayOctets + MacOctets;

    /// <summary>80 bits: a forger can only try tags against us, one SMTP command each.</summary>
    private const int MacOctets = 10;

    // Days are counted from here, so that two octets last until 2179.
    private static readonly DateOnly Epoch = new(2000, 1, 1);

    public Verp(byte[] key) : this(() => key) { }

    /// <summary>The local part for an envelope; answers come back until <paramref name="expires"/>, that day included.</summary>
    /// <exception cref="OverflowException">The day lies before the year 2000 or after 2179.</exception>
    public string Tag(Guid envelope, DateOnly expires)
    {
        Span<byte> tag = stackalloc byte[TagOctets];
        envelope.TryWriteBytes(tag, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt16BigEndian(tag[IdOctets..], checked((ushort)(expires.DayNumber - Epoch.DayNumber)));
        Mac(tag[..^MacOctets], tag[^MacOctets..]);
        return Base32.Encode(tag);
    }

    /// <summary>False for a tag that is not ours, altered or expired. Case does not matter: receivers fold it.</summary>
    public bool TryRead(string localPart, DateOnly today, out Guid envelope)
    {
        envelope = default;
        Span<byte> tag = stackalloc byte[TagOctets];
        if (!Base32.TryDecode(localPart, tag)) return false;

        Span<byte> mac = stackalloc byte[MacOctets];
        Mac(tag[..^MacOctets], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, tag[^MacOctets..])) return false;
        if (Epoch.AddDays(BinaryPrimitives.ReadUInt16BigEndian(tag[IdOctets..])) < today) return false;
        envelope = new Guid(tag[..IdOctets], bigEndian: true);
        return true;
    }

    private void Mac(ReadOnlySpan<byte> text, Span<byte> mac)
    {
        Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
        // The label keeps the tags apart from whatever else the key may sign.
        HMACSHA256.HashData(key(), [.. "verp:"u8, .. text], full);
        full[..MacOctets].CopyTo(mac);
    }
}
