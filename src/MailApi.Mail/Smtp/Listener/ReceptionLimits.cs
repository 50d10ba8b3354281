namespace MailApi.Mail.Smtp.Listener;

/// <summary>The bounds of a session, each with the answer that meets what is beyond it.</summary>
public sealed record ReceptionLimits
{
    /// <summary>Octets of a command line with its CRLF: the 512 of RFC 5321 §4.5.3.1.4 and room for the parameters of extensions. Beyond: 500, the line is skipped.</summary>
    public int CommandLineBytesMax { get; init; } = 2000;

    /// <summary>Octets of a line of content with its CRLF (RFC 5321 §4.5.3.1.6). Beyond: 550 5.6.0 for the message.</summary>
    public int TextLineBytesMax { get; init; } = 1000;

    /// <summary>Octets of a message. Beyond: 552 5.3.4; no more than this is ever held in memory.</summary>
    public int MessageBytesMax { get; init; } = 25 << 20;

    /// <summary>Shared with other sessions, where it is set. Beyond: 451 4.3.1 for the message.</summary>
    public ContentBudget? Budget { get; init; }

    /// <summary>Recipients taken in one transaction; RFC 5321 §4.5.3.1.8 asks for 100 at least. Beyond: 452 4.5.3.</summary>
    public int RecipientsMax { get; init; } = 1000;

    /// <summary>
    /// Offences against the protocol in a session, the last of which is answered 421 4.7.0 and the end. Recipients and messages that the policy refuses
    /// do not count.
    /// </summary>
    public int ErrorsMax { get; init; } = 10;

    /// <summary>Refused logins in a session, the last of which is answered 421 4.7.0 and the end (RFC 4954 §4).</summary>
    public int LoginFailuresMax { get; init; } = 3;

    /// <summary>How long the answer to the first refused login is held back; to the second twice as long, and so on.</summary>
    public TimeSpan LoginFailurePause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For the handshake of TLS. Beyond: the end, without a word that a client could read.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For all that comes before a login where one is required: whoever has no key holds a connection no longer. Beyond: 421 4.4.2 and the end.</summary>
    public TimeSpan LoginTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For a whole command line, and for each piece of content (RFC 5321 §4.5.3.2.7). Beyond: 421 4.4.2 and the end.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For all that the client sends, so that one octet every five minutes does not hold a connection for ever. Beyond: 421 4.4.2 and the end.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long the greeting is held back to see whether the client speaks out of turn; worth a second where strangers connect.</summary>
    public TimeSpan GreetingPause { get; init; } = TimeSpan.Zero;
}
