namespace MailApi.Mail.Dkim;

/// <summary>An RSA key pair of a selector (RFC 6376, 8301), on the platform's native cryptography.</summary>
public sealed class SigningKey : IDisposable
{
    public const int BitsDefault = 2048;

    public static SigningKey Generate() => throw new NotSupportedException();

    /// <summary>Reads what <see cref="ExportPrivate"/> wrote.</summary>
    public static SigningKey Import(ReadOnlySpan<byte> pkcs8) => throw new NotSupportedException();

    public byte[] ExportPrivate() => throw new NotSupportedException();

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public byte[] ExportPublic() => throw new NotSupportedException();

    /// <summary>The key record (RFC 6376 §3.6.1) that publishes a public key: <c>v=DKIM1; k=rsa; p=…</c>.</summary>
    public static string Record(ReadOnlySpan<byte> subjectPublicKeyInfo) => throw new NotSupportedException();

    public void Dispose() { }
}
