namespace MailApi.Mail.Bounces;

/// <summary>Base32 (RFC 4648 §6) without padding, written in lower case and read in any: it survives those who fold the case of local parts.</summary>
public static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    private const int BitsPerDigit = 5;

    public static string Encode(ReadOnlySpan<byte> octets)
    {
        Span<char> digits = stackalloc char[Length(octets.Length)];
        for (int i = 0, bits = 0, buffer = 0, next = 0; i < digits.Length; i++, bits -= BitsPerDigit)
        {
            if (bits < BitsPerDigit)
            {
                buffer = (buffer << 8) | (next < octets.Length ? octets[next++] : 0);
                bits += 8;
            }
            digits[i] = Alphabet[(buffer >> (bits - BitsPerDigit)) & 31];
        }
        return new string(digits);
    }

    /// <summary>Fills <paramref name="octets"/>; false when the text has another length, a foreign character or bits left over.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> octets)
    {
        if (text.Length != Length(octets.Length)) return false;
        int bits = 0, buffer = 0, next = 0;
        foreach (var c in text)
        {
            var digit = char.IsAscii(c) ? Alphabet.IndexOf(char.ToLowerInvariant(c), StringComparison.Ordinal) : -1;
            if (digit < 0) return false;
            buffer = ((buffer << BitsPerDigit) | digit) & 0xFFFF;
            bits += BitsPerDigit;
            if (bits < 8) continue;
            bits -= 8;
            octets[next++] = (byte)(buffer >> bits);
        }
        return (buffer & ((1 << bits) - 1)) == 0;
    }

    private static int Length(int octets) => (octets * 8 + BitsPerDigit - 1) / BitsPerDigit;
}
