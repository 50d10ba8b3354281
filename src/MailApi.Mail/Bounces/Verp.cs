namespace MailApi.Mail.Bounces;

/// <summary>
/// Return paths that name their envelope (variable envelope return path): <c>&lt;tag&gt;@bounces.mail.shop.example</c>. The tag holds the envelope id,
/// the day it expires and a keyed MAC, so that nobody else can make one.
/// </summary>
public sealed class Verp(byte[] key)
{
    /// <summary>The local part for an envelope; answers come back until <paramref name="expires"/>.</summary>
    public string Tag(Guid envelope, DateOnly expires) => throw new NotSupportedException($"{key}");

    /// <summary>False for a tag that is not ours, altered or expired. Case does not matter: receivers fold it.</summary>
    public bool TryRead(string localPart, DateOnly today, out Guid envelope) => throw new NotSupportedException();
}
