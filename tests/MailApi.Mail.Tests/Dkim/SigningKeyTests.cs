using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MailApi.Mail.Tests.Composition;
using Xunit;
using static MailApi.Mail.Authentication.AuthenticationResult;

namespace MailApi.Mail.Tests.Dkim;

public class SigningKeyTests
{
    /// <summary>The key of RFC 8463 appendix A.2, and its public half.</summary>
    private const string Rfc8463Seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    private const string Rfc8463Record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    [Fact]
    public async Task A_message_may_carry_an_Ed25519_signature_beside_an_RSA_one()
    {
        using var ed = SigningKey.Generate(SigningAlgorithm.Ed25519Sha256);
        var message = Composer.Compose(Drafts.Plain);
        byte[] signed = [.. new Signer(Signed.Domain, "e1", ed, FixedTime.Now).Sign(message), .. Signed.Sign(message)];
        var verdicts = await Verifier.Verify(signed, (selector, _, _) => Task.FromResult<string?>(selector == "e1" ? SigningKey.Record(ed.ExportPublic()) : Signed.Record),
            FixedTime.Now, TestContext.Current.CancellationToken);
        Assert.Equal([("ed25519-sha256", Pass), ("rsa-sha256", Pass)], verdicts.Select(verdict => (verdict.Algorithm, verdict.Result)));

        signed[^4] ^= 1;
        verdicts = await Verifier.Verify(signed, (selector, _, _) => Task.FromResult<string?>(selector == "e1" ? SigningKey.Record(ed.ExportPublic()) : Signed.Record),
            FixedTime.Now, TestContext.Current.CancellationToken);
        Assert.All(verdicts, verdict => Assert.Equal(Fail, verdict.Result));
    }

    [Fact]
    public void The_key_of_RFC_8463_has_its_public_half_and_its_record()
    {
        // RFC 8410 §7: the private key in PKCS #8 is this and the 32 octets.
        var pem = new string(PemEncoding.Write("PRIVATE KEY", [.. Convert.FromHexString("302e020100300506032b657004220420"), .. Convert.FromBase64String(Rfc8463Seed)]));
        Assert.True(SigningKey.TryImportPem(pem, out var key, out var refusal), refusal);
        using (key)
        {
            Assert.Equal((SigningAlgorithm.Ed25519Sha256, "ed25519-sha256", Rfc8463Record), (key.Algorithm, key.AlgorithmName, SigningKey.Record(key.ExportPublic())));
            using var again = SigningKey.Import(key.ExportPrivate());
            Assert.Equal(key.ExportPublic(), again.ExportPublic());
        }
    }

    [Fact]
    public void RSA_keys_come_in_both_forms_and_with_text_around_them()
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(Signed.Key.ExportPrivate(), out _);
        foreach (var pem in new[] { rsa.ExportPkcs8PrivateKeyPem(), rsa.ExportRSAPrivateKeyPem(), $"our key\n{rsa.ExportPkcs8PrivateKeyPem().ReplaceLineEndings("\r\n")}\n" })
        {
            Assert.True(SigningKey.TryImportPem(pem, out var key, out var refusal), refusal);
            using (key) Assert.Equal(Signed.Record, SigningKey.Record(key.ExportPublic()));
        }
    }

    public static TheoryData<string, string> Refusals
    {
        get
        {
            using var weak = RSA.Create(1024);
            using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(Signed.Key.ExportPrivate(), out _);
            return new TheoryData<string, string>
            {
                { "", "This is no key in PEM" },
                { "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "This is no key in PEM" },
                { new string('x', 30_000), "This is longer than" },
                { weak.ExportPkcs8PrivateKeyPem(), "This RSA key has 1024 bits" },
                { weak.ExportRSAPrivateKeyPem(), "This RSA key has 1024 bits" },
                { rsa.ExportSubjectPublicKeyInfoPem(), "This is the public half" },
                { rsa.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1)), "This key is encrypted" },
                { "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----", "This key is encrypted" },
                { curve.ExportECPrivateKeyPem(), "This is an elliptic curve key" },
                { curve.ExportPkcs8PrivateKeyPem(), "This is neither an RSA nor an Ed25519 private key" },
                { "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "This is a key for SSH" },
                { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "This is a CERTIFICATE" },
                { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "This is neither an RSA nor an Ed25519 private key" },
                { "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "This is neither an RSA nor an Ed25519 private key" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_key_that_cannot_be_used_is_refused_with_the_reason(string pem, string refusal)
    {
        Assert.False(SigningKey.TryImportPem(pem, out var key, out var said));
        Assert.Null(key);
        Assert.StartsWith(refusal, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_record_of_a_revoked_key_revokes_it()
    {
        var verdict = Assert.Single(await Verifier.Verify(
            Signed.Sign(Drafts.Plain), (_, _, _) => Task.FromResult<string?>(SigningKey.RevokedRecord), FixedTime.Now, TestContext.Current.CancellationToken));
        Assert.Equal((PermError, "the key is revoked"), (verdict.Result, verdict.Reason));
    }

    [Fact]
    public async Task Many_sign_with_one_Ed25519_key_at_once()
    {
        using var key = SigningKey.Generate(SigningAlgorithm.Ed25519Sha256);
        var record = SigningKey.Record(key.ExportPublic());
        var signer = new Signer(Signed.Domain, "e1", key, FixedTime.Now);
        var message = Encoding.ASCII.GetBytes("From: a@shop.example\r\n\r\nx\r\n");
        var fields = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => Convert.ToBase64String(signer.Sign(message)))));
        // Ed25519 is deterministic.
        var field = Assert.Single(fields.Distinct());
        var verdict = Assert.Single(await Verifier.Verify((byte[])[.. Convert.FromBase64String(field), .. message],
            (_, _, _) => Task.FromResult<string?>(record), FixedTime.Now, TestContext.Current.CancellationToken));
        Assert.Equal(Pass, verdict.Result);
    }
}
