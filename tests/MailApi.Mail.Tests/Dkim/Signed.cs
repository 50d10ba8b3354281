using MailApi.Mail.Composition;
using MailApi.Mail.Dkim;
using MimeKit.Cryptography;
using Org.BouncyCastle.Crypto;

namespace MailApi.Mail.Tests.Dkim;

/// <summary>Messages signed with one key, and MimeKit to verify them.</summary>
internal static class Signed
{
    public const string Domain = "mail.shop.example";
    public const string Selector = "m1";

    public static SigningKey Key { get; } = SigningKey.Generate();
    public static string Record { get; } = SigningKey.Record(Key.ExportPublic());

    public static byte[] Sign(byte[] message) => [.. new Signer(Domain, Selector, Key, FixedTime.Now).Sign(message), .. message];

    public static byte[] Sign(Draft draft) => Sign(Composer.Compose(draft));

    public static async Task<SignatureVerdict> Verdict(byte[] message, FixedTime? time = null)
    {
        var verdicts = await Verifier.Verify(
            message, (selector, domain, _) => Task.FromResult((selector, domain) == (Selector, Domain) ? Record : null), time ?? FixedTime.Now, Xunit.TestContext.Current.CancellationToken);
        return verdicts.Single();
    }

    /// <summary>What MimeKit says.</summary>
    public static bool MimeKitAccepts(byte[] message)
    {
        var read = MimeKit.MimeMessage.Load(new MemoryStream(message));
        var field = read.Headers[read.Headers.IndexOf(MimeKit.HeaderId.DkimSignature)];
        return new DkimVerifier(new Locator()).Verify(read, field, Xunit.TestContext.Current.CancellationToken);
    }

    private sealed class Locator : DkimPublicKeyLocatorBase
    {
        public override AsymmetricKeyParameter LocatePublicKey(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            GetPublicKey(Record);

        public override Task<AsymmetricKeyParameter> LocatePublicKeyAsync(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            Task.FromResult(GetPublicKey(Record));
    }
}
