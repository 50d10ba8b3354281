using static MailApi.Mail.Bounces.BounceRow;

namespace MailApi.Mail.Bounces;

public static partial class BounceTable
{
    private const string Nothing = "Nothing: the mail is tried again.";

    /// <summary>Enhanced status codes (RFC 3463 and its registry, RFC 5248), where the words say nothing more; then the basic codes (RFC 5321 §4.2.3).</summary>
    private static BounceRow[] Codes =>
    [
        // X.1: addresses.
        Dead("x.1.0 x.1.1 x.1.3 x.1.4", "", "The address is not one of the receiver's."),
        Unnamed("x.1.2", "", "The recipient's domain does not exist or takes no mail."),
        Dead("x.1.6", "", "The mailbox has moved and left no address."),
        Unproven("x.1.7 x.1.8", "", "The sender's address is not one that the receiver can answer.", "Let the return path's domain resolve and take mail."),
        Unnamed("x.1.10", "", "The recipient's domain takes no mail (null MX, RFC 7505)."),
        // X.2: mailboxes.
        Disabled("x.2.1", "", "The mailbox has been disabled."),
        Full("x.2.2", ""),
        TooLarge("x.2.3", "", "The message is larger than this mailbox takes."),
        Else("x.2.4", "", "The mailing list could not be expanded."),
        // X.3: the receiver's system.
        Full("x.3.1", "", "The receiver's disk is full.", Nothing),
        Else("x.3.0 x.3.2", "", "The receiver takes no mail at the moment.", Nothing),
        Else("x.3.3 x.3.5", "", "The receiver cannot do what the message asks for.", "Tell its postmaster."),
        TooLarge("x.3.4"),
        // X.4: the network.
        Unreached("x.4.0 x.4.1 x.4.2", "", "The recipient's host could not be reached, or the connection broke.", "Check the domain, and try again later."),
        Unnamed("x.4.3 x.4.4", "", "The way to the recipient's domain could not be found.", "Check the domain's MX record."),
        TooMuch("x.4.5", "", "The receiver is congested."),
        Else("x.4.6", "", "The receiver's hosts pass the message round in a circle.", "Tell the recipient's postmaster."),
        Unreached("x.4.7", "", "The message could not be delivered in its lifetime.", "Check the domain, and try again later."),
        // X.5: the protocol.
        TooMuchForOne("x.5.3", "", "Too many recipients in one transaction.", "Send to fewer recipients at a time."),
        Else("x.5.*", "", "The two hosts did not understand each other.", "Read the reply."),
        // X.6: content.
        Content("x.6.7 x.6.8 x.6.9", "", "The receiver does not take addresses or headers beyond ASCII.", "Use an address in ASCII."),
        Content("x.6.*", "", "The receiver cannot take the message in this form."),
        // X.7: security and policy; 20 to 26 of RFC 7372, 27 of RFC 7505. 23, 25, 26 and 28 stand with Google and Microsoft already.
        Unproven("x.7.20 x.7.21 x.7.22", "", "DKIM does not pass, or not for the domain in From.", "Publish the DKIM key, sign with the domain in From, and let nothing change mail after it was signed."),
        Unproven("x.7.24", "", "SPF does not pass.", "Publish the sending addresses in the SPF record of the return path's domain."),
        Unproven("x.7.27", "", "The sender's domain takes no mail (null MX, RFC 7505), so that nobody could answer.", "Let the return path's domain take mail."),
        Rule("x.7.2 x.7.3", "", "The list or gateway takes mail from known senders only.", "Ask the recipient to allow your address."),
        Unencrypted("x.7.10 x.7.11 x.7.30", "", "The receiver, or the message, demands an encryption that could not be had."),
        Rule("x.7.8 4.7.9", "", "The login is wrong, or the host takes mail from its own users only.", "Check the login of the relay."),
        Content("x.7.17 x.7.18 x.7.19", "", "The mailbox or domain has another owner now (RFC 7293).", TakeOff),
        Else("4.7.*", "", "The receiver does not want the message for now.", Nothing),
        Rule("5.7.*", "", "The receiver refuses the message by a rule."),
        // Basic codes.
        Full("452", "", "The receiver, or the mailbox, has no room.", Nothing),
        Full("552", "", "The mailbox has no room, or the message is too large."),
        Else("421", "", "The receiver closes the connection.", Nothing),
        Else("450", "", "The mailbox is not available now.", Nothing),
        Else("4xx", "", "The receiver cannot take the message now.", Nothing),
        Unnamed("521 556", "", "The recipient's domain takes no mail (RFC 7504)."),
        Else("500 501 502 503 504 555", "", "The two hosts did not understand each other.", "Read the reply."),
    ];
}
