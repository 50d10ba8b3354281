using System.Buffers.Text;
using System.Security.Cryptography;
using MailApi.Api;

namespace MailApi.Reports;

/// <summary>
/// Names a domain in the address that reports are posted to: its id and a keyed MAC (HMAC-SHA-256, 128 bits), in base64url. It stands in the DNS for all to read; what it
/// keeps out is reports about domains that never asked for any. It does not expire, since nobody renews a record for its sake.
/// </summary>
internal sealed class ReportToken(Func<byte[]> key)
{
    /// <summary>What the key is derived for (<see cref="Storage.Vault.Derived"/>).</summary>
    public const string KeyPurpose = "reports";

    private const int IdBytes = 16;
    private const int MacBytes = 16;
    private const int Length = 43;

    public ReportToken(byte[] key) : this(() => key) { }

    public string Create(DomainId domain)
    {
        Span<byte> token = stackalloc byte[IdBytes + MacBytes];
        domain.Value.TryWriteBytes(token, bigEndian: true, out _);
        Mac(token[..IdBytes], token[IdBytes..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>False for a token that this service did not make.</summary>
    public bool TryRead(string token, out DomainId domain)
    {
        domain = default;
        Span<byte> bytes = stackalloc byte[IdBytes + MacBytes];
        if (token.Length != Length || !Base64Url.IsValid(token) || !Base64Url.TryDecodeFromChars(token, bytes, out var written) || written != bytes.Length) return false;
        Span<byte> mac = stackalloc byte[MacBytes];
        Mac(bytes[..IdBytes], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes[IdBytes..])) return false;
        domain = new DomainId(new Guid(bytes[..IdBytes], bigEndian: true));
        return true;
    }

    private void Mac(ReadOnlySpan<byte> id, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key(), id, whole);
        whole[..MacBytes].CopyTo(mac);
    }
}
