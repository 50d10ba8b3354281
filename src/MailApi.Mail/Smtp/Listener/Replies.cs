using System.Globalization;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>The answers that the protocol itself gives, with enhanced codes of RFC 3463.</summary>
internal static class Replies
{
    public static readonly Reply Ok = new(250, "2.0.0", "OK");
    public static readonly Reply SenderOk = new(250, "2.1.0", "OK");
    public static readonly Reply Bye = new(221, "2.0.0", "Bye");
    public static readonly Reply Help = new(214, "2.0.0", "See RFC 5321");

    /// <summary>RFC 5321 §3.5.3: whoever wants to know whether a mailbox exists must send to it.</summary>
    public static readonly Reply CannotVerify = new(252, "2.1.5", "Cannot verify, but will take mail for it and try");
    public static readonly Reply StartContent = new(354, null, "End with <CRLF>.<CRLF>");

    public static readonly Reply ReadyForTls = new(220, "2.0.0", "Go ahead with TLS");

    public static readonly Reply ShuttingDown = new(421, "4.3.2", "Shutting down, try again later");
    public static readonly Reply TimedOut = new(421, "4.4.2", "Timeout, closing");
    public static readonly Reply TooManyErrors = new(421, "4.7.0", "Too many errors, closing");
    public static readonly Reply TooManyLogins = new(421, "4.7.0", "Too many failed logins, closing");
    public static readonly Reply TooMuchUnderWay = new(451, "4.3.1", "Too much mail is under way, try again later");
    public static readonly Reply TooManyRecipients = new(452, "4.5.3", "Too many recipients, send the rest in another transaction");

    public static readonly Reply Unrecognized = new(500, "5.5.1", "Command not recognized");
    public static readonly Reply NotText = new(500, "5.5.2", "Control characters or bad UTF-8 in the command");
    public static readonly Reply BareLineEndInCommand = new(500, "5.5.2", "CR or LF stands alone, closing");
    public static readonly Reply ResponseTooLong = new(500, "5.5.6", "The response is too long");
    public static readonly Reply LoginCanceled = new(501, "5.7.0", "Login canceled");
    public static readonly Reply NotBase64 = new(501, "5.5.2", "Base64 is expected");
    public static readonly Reply BadCredentials = new(501, "5.5.2", "The credentials do not have the form of the mechanism");
    public static readonly Reply NameExpected = new(501, "5.5.4", "A host name or address literal is expected");
    public static readonly Reply NoArgument = new(501, "5.5.4", "No argument is allowed");
    public static readonly Reply ArgumentExpected = new(501, "5.5.4", "An argument is expected");
    public static readonly Reply BadMailFrom = new(501, "5.1.7", "Syntax: MAIL FROM:<address>");
    public static readonly Reply BadRcptTo = new(501, "5.1.3", "Syntax: RCPT TO:<address>");
    public static readonly Reply BadBdat = new(501, "5.5.4", "Syntax: BDAT size [LAST], closing");
    public static readonly Reply NotImplemented = new(502, "5.5.1", "Command not implemented");
    public static readonly Reply HelloFirst = new(503, "5.5.1", "EHLO first");
    public static readonly Reply MailFirst = new(503, "5.5.1", "MAIL first");
    public static readonly Reply MailTwice = new(503, "5.5.1", "A transaction is open, RSET ends it");
    public static readonly Reply ChunksBegun = new(503, "5.5.1", "BDAT has begun, it ends with LAST or RSET");
    public static readonly Reply TlsTwice = new(503, "5.5.1", "The connection is under TLS already");
    public static readonly Reply LoginTwice = new(503, "5.5.1", "You have logged in already");
    public static readonly Reply LoginInTransaction = new(503, "5.5.1", "A transaction is open, log in before it");
    public static readonly Reply UnknownMechanism = new(504, "5.5.4", "The mechanism is not known, use PLAIN or LOGIN");

    /// <summary>RFC 3207 §4, in its words: to whatever needs TLS, a login as well.</summary>
    public static readonly Reply TlsFirst = new(530, "5.7.0", "Must issue a STARTTLS command first");

    public static readonly Reply LoginFirst = new(530, "5.7.0", "Authentication required");
    public static readonly Reply BareLineEndInContent = new(550, "5.6.0", "CR or LF stands alone, lines end with CRLF");
    public static readonly Reply NeedsSmtpUtf8 = new(553, "5.6.7", "The address is not ASCII and MAIL declared no SMTPUTF8");
    public static readonly Reply SpokeTooEarly = new(554, "5.5.0", "Wait for the reply before you go on, closing");
    public static readonly Reply NoRecipients = new(554, "5.5.1", "No valid recipients");

    public static Reply LineTooLong(ReceptionLimits limits) => new(500, "5.5.2", string.Create(CultureInfo.InvariantCulture, $"A command has at most {limits.CommandLineBytesMax} octets"));

    public static Reply TextLineTooLong(ReceptionLimits limits) => new(550, "5.6.0", string.Create(CultureInfo.InvariantCulture, $"A line has at most {limits.TextLineBytesMax} octets"));

    public static Reply TooLarge(ReceptionLimits limits) => new(552, "5.3.4", string.Create(CultureInfo.InvariantCulture, $"A message has at most {limits.MessageBytesMax} octets"));

    public static Reply BadParameter(string name) => new(501, "5.5.4", $"The value of {name} is wrong");

    public static Reply UnknownParameter(string name) => new(555, "5.5.4", $"The parameter {name} is not known");

    /// <summary>RFC 4954 §4: what the server asks, or nothing.</summary>
    public static Reply Challenge(string base64) => new(334, null, base64);

    public static Reply ChunkTaken(long octets) => new(250, "2.0.0", string.Create(CultureInfo.InvariantCulture, $"{octets} octets taken"));
}
