using System.Net;

namespace MailApi.Mail.Authentication;

/// <summary>Compares addresses as RFC 7208 §5 does.</summary>
internal static class SpfAddress
{
    /// <summary>Of one family, and alike in the leading bits.</summary>
    public static bool SharePrefix(IPAddress one, IPAddress other, int bits)
    {
        var (a, b) = (one.GetAddressBytes(), other.GetAddressBytes());
        if (a.Length != b.Length) return false;
        var whole = bits / 8;
        var mask = (byte)(0xFF << (8 - bits % 8));
        return a.AsSpan(0, whole).SequenceEqual(b.AsSpan(0, whole)) && (whole == a.Length || ((a[whole] ^ b[whole]) & mask) == 0);
    }
}
