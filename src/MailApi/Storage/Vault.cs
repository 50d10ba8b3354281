using System.Security.Cryptography;
using System.Text;

namespace MailApi.Storage;

/// <summary>
/// Seals secrets at rest with AES-256-GCM under the key-encryption key. A sealed value is bound to its place (table, row, column):
/// moved to another row it does not open. Layout: version (1 octet), nonce (12), tag (16), ciphertext.
/// </summary>
public sealed class Vault
{
    public const int KeyBytes = 32;
    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly byte[] keyEncryptionKey;

    /// <exception cref="ArgumentException">The key is not 32 octets.</exception>
    public Vault(byte[] keyEncryptionKey)
    {
        if (keyEncryptionKey.Length != KeyBytes) throw new ArgumentException("The key-encryption key must be 32 octets.", nameof(keyEncryptionKey));
        this.keyEncryptionKey = keyEncryptionKey;
    }

    public byte[] Seal(ReadOnlySpan<byte> secret, string table, Guid row, string column)
    {
        var sealedValue = new byte[1 + NonceBytes + TagBytes + secret.Length];
        sealedValue[0] = Version;
        var nonce = sealedValue.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(keyEncryptionKey, TagBytes);
        aes.Encrypt(nonce, secret, sealedValue.AsSpan(1 + NonceBytes + TagBytes), sealedValue.AsSpan(1 + NonceBytes, TagBytes), Place(table, row, column));
        return sealedValue;
    }

    /// <exception cref="CryptographicException">Altered, moved from another place, or sealed under another key.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedValue, string table, Guid row, string column)
    {
        if (sealedValue.Length < 1 + NonceBytes + TagBytes || sealedValue[0] != Version) throw new CryptographicException("Not a sealed value.");
        var secret = new byte[sealedValue.Length - 1 - NonceBytes - TagBytes];
        using var aes = new AesGcm(keyEncryptionKey, TagBytes);
        aes.Decrypt(sealedValue.Slice(1, NonceBytes), sealedValue[(1 + NonceBytes + TagBytes)..], sealedValue.Slice(1 + NonceBytes, TagBytes), secret, Place(table, row, column));
        return secret;
    }

    /// <summary>A key for another purpose (return-path tags, unsubscribe tokens), derived by HKDF (RFC 5869).</summary>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, keyEncryptionKey, KeyBytes, info: Encoding.UTF8.GetBytes(purpose));

    private static byte[] Place(string table, Guid row, string column) => Encoding.UTF8.GetBytes($"{table}:{row:N}:{column}");
}
