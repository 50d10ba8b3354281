using System.Numerics;
using System.Security.Cryptography;
using MailApi.Mail.Dkim;

namespace MailApi.Bench;

/// <summary>
/// Thousands of different RSA-2048 keys in seconds: a few primes are looked for, and each pair of them is a key. Whoever knows one of these keys
/// knows others; for a benchmark they are as good as any.
/// </summary>
internal static class KeyRing
{
    private const int ModulusBytes = SigningKey.BitsDefault / 8;

    public static IReadOnlyList<SigningKey> Make(int count)
    {
        List<byte[]> primes = [];
        while (primes.Count * (primes.Count - 1) / 2 < count)
        {
            using var rsa = RSA.Create(SigningKey.BitsDefault);
            var parameters = rsa.ExportParameters(includePrivateParameters: true);
            primes.AddRange([parameters.P!, parameters.Q!]);
        }
        return [.. Pairs(primes).Take(count).Select(pair => Key(pair.P, pair.Q))];
    }

    private static IEnumerable<(byte[] P, byte[] Q)> Pairs(List<byte[]> primes)
    {
        for (var p = 0; p < primes.Count; p++)
            for (var q = 0; q < p; q++)
                yield return (primes[p], primes[q]);
    }

    /// <summary>RFC 8017 §3.2.</summary>
    private static SigningKey Key(byte[] primeP, byte[] primeQ)
    {
        var (p, q, e) = (Number(primeP), Number(primeQ), new BigInteger(65_537));
        var d = Inverse(e, (p - 1) * (q - 1));
        using var rsa = RSA.Create(new RSAParameters
        {
            Modulus = Octets(p * q, ModulusBytes),
            Exponent = [1, 0, 1],
            D = Octets(d, ModulusBytes),
            P = primeP,
            Q = primeQ,
            DP = Octets(d % (p - 1), ModulusBytes / 2),
            DQ = Octets(d % (q - 1), ModulusBytes / 2),
            InverseQ = Octets(Inverse(q, p), ModulusBytes / 2),
        });
        return SigningKey.Import(rsa.ExportPkcs8PrivateKey());
    }

    /// <summary>The extended Euclidean algorithm.</summary>
    private static BigInteger Inverse(BigInteger value, BigInteger modulus)
    {
        var (rest, last, factor, before) = (modulus, value % modulus, BigInteger.Zero, BigInteger.One);
        while (!last.IsZero)
        {
            var quotient = rest / last;
            (rest, last) = (last, rest - (quotient * last));
            (factor, before) = (before, factor - (quotient * before));
        }
        return factor < 0 ? factor + modulus : factor;
    }

    private static BigInteger Number(byte[] octets) => new(octets, isUnsigned: true, isBigEndian: true);

    private static byte[] Octets(BigInteger number, int length)
    {
        var octets = new byte[length];
        number.TryWriteBytes(octets.AsSpan(length - number.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true);
        return octets;
    }
}
