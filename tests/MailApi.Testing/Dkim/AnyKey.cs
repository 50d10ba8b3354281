using System.Security.Cryptography;

namespace MailApi.Testing;

/// <summary>One RSA key pair a run, for tests that mind their domain's key no further: making one takes 0.2 s of CPU.</summary>
public static class AnyKey
{
    public const string Selector = "ma1";

    /// <summary>PKCS #8, DER.</summary>
    public static byte[] Pkcs8 { get; } = Make();

    public static string Pem { get; } = PemEncoding.WriteString("PRIVATE KEY", Pkcs8);

    private static byte[] Make()
    {
        using var rsa = RSA.Create(2048);
        return rsa.ExportPkcs8PrivateKey();
    }
}
