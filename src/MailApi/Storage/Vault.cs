using System.Security.Cryptography;
using System.Text;

namespace MailApi.Storage;

/// <summary>
/// Seals secrets at rest with AES-256-GCM under the key-encryption key. A sealed value is bound to its place (table, row, column):
/// moved to another row it does not open. Layout: version (1 octet), nonce (12), tag (16), ciphertext. While the key is rotated, values that
/// are sealed under a previous one still open.
/// </summary>
public sealed class Vault
{
    public const int KeyBytes = 32;
    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>The one that seals first.</summary>
    private readonly byte[][] keys;

    private byte[]? root;

    /// <param name="keyEncryptionKey">Seals, and opens.</param>
    /// <param name="previous">Open what they sealed.</param>
    /// <exception cref="ArgumentException">A key is not 32 octets.</exception>
    public Vault(byte[] keyEncryptionKey, params byte[][] previous)
    {
        keys = [keyEncryptionKey, .. previous];
        if (keys.Any(key => key.Length != KeyBytes)) throw new ArgumentException("A key-encryption key must be 32 octets.", nameof(keyEncryptionKey));
    }

    /// <summary>A rotation may be under way.</summary>
    public bool HasPreviousKeys => keys.Length > 1;

    /// <summary>Tells keys apart without giving them away: to be shown.</summary>
    public string Fingerprint => Convert.ToHexStringLower(HKDF.DeriveKey(HashAlgorithmName.SHA256, keys[0], 8, info: "fingerprint"u8.ToArray()));

    public byte[] Seal(ReadOnlySpan<byte> secret, string table, Guid row, string column)
    {
        var sealedValue = new byte[1 + NonceBytes + TagBytes + secret.Length];
        sealedValue[0] = Version;
        var nonce = sealedValue.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(keys[0], TagBytes);
        aes.Encrypt(nonce, secret, sealedValue.AsSpan(1 + NonceBytes + TagBytes), sealedValue.AsSpan(1 + NonceBytes, TagBytes), Place(table, row, column));
        return sealedValue;
    }

    /// <exception cref="CryptographicException">Altered, moved from another place, or sealed under another key.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedValue, string table, Guid row, string column) => Open(sealedValue, table, row, column, out _);

    /// <summary>The value sealed under the present key, or null when it is so already.</summary>
    /// <exception cref="CryptographicException">As <see cref="Open(ReadOnlySpan{byte}, string, Guid, string)"/>.</exception>
    public byte[]? Reseal(ReadOnlySpan<byte> sealedValue, string table, Guid row, string column)
    {
        var secret = Open(sealedValue, table, row, column, out var key);
        try
        {
            return key == 0 ? null : Seal(secret, table, row, column);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>The root of derived keys, known once the store has been opened: it is sealed there, so that they outlive the key-encryption key.</summary>
    public void SetRoot(byte[] derivationRoot) => root = derivationRoot;

    /// <summary>The root that stores have whose keys were derived from the key-encryption key itself: the one that opens this value.</summary>
    /// <exception cref="CryptographicException">As <see cref="Open(ReadOnlySpan{byte}, string, Guid, string)"/>.</exception>
    public byte[] RootBehind(ReadOnlySpan<byte> sealedValue, string table, Guid row, string column)
    {
        Open(sealedValue, table, row, column, out var key);
        return HKDF.Extract(HashAlgorithmName.SHA256, keys[key]);
    }

    /// <summary>A key for another purpose (return-path tags, unsubscribe tokens), derived by HKDF (RFC 5869).</summary>
    /// <exception cref="InvalidOperationException">The store has not been opened yet.</exception>
    public byte[] Derive(string purpose) =>
        HKDF.Expand(HashAlgorithmName.SHA256, root ?? throw new InvalidOperationException("Keys are derived once the store is open."), KeyBytes, Encoding.UTF8.GetBytes(purpose));

    /// <summary>As <see cref="Derive"/>, at the first use.</summary>
    public Func<byte[]> Derived(string purpose)
    {
        byte[]? key = null;
        return () => key ??= Derive(purpose);
    }

    private byte[] Open(ReadOnlySpan<byte> sealedValue, string table, Guid row, string column, out int key)
    {
        if (sealedValue.Length < 1 + NonceBytes + TagBytes || sealedValue[0] != Version) throw new CryptographicException("Not a sealed value.");
        var secret = new byte[sealedValue.Length - 1 - NonceBytes - TagBytes];
        for (key = 0; ; key++)
        {
            try
            {
                using var aes = new AesGcm(keys[key], TagBytes);
                aes.Decrypt(sealedValue.Slice(1, NonceBytes), sealedValue[(1 + NonceBytes + TagBytes)..], sealedValue.Slice(1 + NonceBytes, TagBytes), secret, Place(table, row, column));
                return secret;
            }
            catch (AuthenticationTagMismatchException) when (key + 1 < keys.Length)
            {
                // Perhaps the next one sealed it.
            }
        }
    }

    private static byte[] Place(string table, Guid row, string column) => Encoding.UTF8.GetBytes($"{table}:{row:N}:{column}");
}
