using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Mail.Tls;

/// <summary>A TLSA record (RFC 6698 §2.1): which certificate or key a host has.</summary>
/// <param name="Usage">2: of an authority (DANE-TA); 3: the host's own (DANE-EE). 0 and 1 have no use in mail (RFC 7672 §3.1.3).</param>
/// <param name="Selector">0: the certificate; 1: its public key.</param>
/// <param name="Matching">0: itself; 1: its SHA-256 digest; 2: its SHA-512 digest.</param>
/// <param name="Data">What to compare with.</param>
public sealed record TlsaRecord(byte Usage, byte Selector, byte Matching, ReadOnlyMemory<byte> Data)
{
    public const byte TrustAnchor = 2, EndEntity = 3;

    /// <summary>One that can prove something; others are passed over (RFC 7671 §10.2).</summary>
    public bool IsUsable => Usage is TrustAnchor or EndEntity && Selector is 0 or 1 && Matching switch
    {
        0 => Data.Length > 0,
        1 => Data.Length == SHA256.HashSizeInBytes,
        2 => Data.Length == SHA512.HashSizeInBytes,
        _ => false,
    };

    /// <summary>Null if it is too short to be one.</summary>
    public static TlsaRecord? TryRead(ReadOnlyMemory<byte> data) => data.Length < 4 ? null : new TlsaRecord(data.Span[0], data.Span[1], data.Span[2], data[3..]);

    /// <summary>Whether it speaks of this certificate; <see cref="Usage"/> tells what follows.</summary>
    public bool Matches(X509Certificate2 certificate)
    {
        var selected = Selector == 0 ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        return Data.Span.SequenceEqual(Matching switch
        {
            0 => selected,
            1 => SHA256.HashData(selected),
            _ => SHA512.HashData(selected),
        });
    }

    public bool Equals(TlsaRecord? other) => other is not null && ToString() == other.ToString();

    public override int GetHashCode() => HashCode.Combine(Usage, Selector, Matching, Data.Length);

    /// <summary>As in a zone file.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Usage} {Selector} {Matching} {Convert.ToHexStringLower(Data.Span)}");
}
