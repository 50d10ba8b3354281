using System.Text;

namespace MailApi.Testing;

/// <summary>What receivers write back about a message that they took.</summary>
public static class Answers
{
    /// <summary>A delivery status notification (RFC 3464) that says the recipient is unknown.</summary>
    /// <param name="returnPath">Whom it goes to: the envelope sender.</param>
    /// <param name="recipient">Whom the message could not be delivered to.</param>
    /// <param name="messageId">The message's, with its angle brackets.</param>
    /// <param name="diagnostic">The reply that the reporter got.</param>
    public static byte[] Bounce(string returnPath, string recipient, string messageId, string diagnostic = "550 5.1.1 <>: Recipient address rejected: User unknown") => Octets($"""
        From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
        To: {returnPath}
        Subject: Undelivered Mail Returned to Sender
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

        --b1
        Content-Type: text/plain; charset=us-ascii

        I'm sorry to have to inform you that your message could not be delivered.

        --b1
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.example.net

        Final-Recipient: rfc822; {recipient}
        Original-Recipient: rfc822;{recipient}
        Action: failed
        Status: {diagnostic.Split(' ')[1]}
        Remote-MTA: dns; inbox.example.net
        Diagnostic-Code: smtp; {diagnostic}

        --b1
        Content-Type: message/rfc822

        Return-Path: <{returnPath}>
        From: Example Shop <orders@mail.shop.example>
        To: {recipient}
        Subject: Order 1001 is on its way
        Message-ID: {messageId}

        Your parcel left our warehouse this morning.

        --b1--

        """);

    /// <summary>A feedback report (RFC 5965) with the recipient's address removed.</summary>
    /// <param name="originalMailFrom">The envelope sender that it reports, or null where it does not.</param>
    /// <param name="messageId">The message's, with its angle brackets.</param>
    /// <param name="feedbackType"><c>abuse</c>, <c>not-spam</c> and others.</param>
    /// <param name="feedbackId">The message's CFBL-Feedback-ID (RFC 9477), or null where the reporter leaves it out.</param>
    public static byte[] Feedback(string? originalMailFrom, string messageId, string feedbackType = "abuse", string? feedbackId = null) => Octets($"""
        From: feedback@isp.example
        To: feedback@shop.example
        Subject: FW: Order 1001 is on its way
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

        --b1
        Content-Type: text/plain; charset=us-ascii

        This is an email abuse report.

        --b1
        Content-Type: message/feedback-report

        Feedback-Type: {feedbackType}
        User-Agent: ExampleISP/1.0
        Version: 1
        {(originalMailFrom is null ? "Incidents: 1" : $"Original-Mail-From: <{originalMailFrom}>")}

        --b1
        Content-Type: message/rfc822

        From: Example Shop <orders@mail.shop.example>
        To: undisclosed-recipients:;
        Subject: Order 1001 is on its way
        Message-ID: {messageId}{(feedbackId is null ? "" : $"\nCFBL-Feedback-ID: {feedbackId}")}

        Your parcel left our warehouse this morning.

        --b1--

        """);

    /// <summary>A vacation notice (RFC 3834).</summary>
    public static byte[] Vacation(string returnPath, string recipient, string messageId) => Octets($"""
        From: {recipient}
        To: {returnPath}
        Subject: Out of office
        Auto-Submitted: auto-replied
        In-Reply-To: {messageId}

        I am away until Monday.

        """);

    private static byte[] Octets(string text) => Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\r\n"));
}
