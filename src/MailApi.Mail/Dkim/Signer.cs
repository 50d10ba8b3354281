namespace MailApi.Mail.Dkim;

/// <summary>Signs composed messages for one signing domain and selector: rsa-sha256, relaxed/relaxed, no <c>l=</c>, headers oversigned.</summary>
public sealed class Signer(string domain, string selector, SigningKey key, TimeProvider time)
{
    /// <summary>The <c>DKIM-Signature</c> field, with its closing CRLF, to put in front of <paramref name="message"/>.</summary>
    public byte[] Sign(ReadOnlyMemory<byte> message) => throw new NotSupportedException($"{domain}{selector}{key}{time}");
}
