namespace MailApi.Mail.Composition;

/// <summary>Draft → octets, once: those octets are signed and sent.</summary>
public static class Composer
{
    /// <summary>The message with CRLF line ends, 7-bit unless an address in its headers needs SMTPUTF8 (RFC 6532).</summary>
    public static byte[] Compose(Draft draft) => throw new NotSupportedException();
}
