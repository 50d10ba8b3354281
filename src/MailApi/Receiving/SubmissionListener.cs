using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using MailApi.Sending;
using Microsoft.AspNetCore.Connections;

namespace MailApi.Receiving;

/// <summary>Ports 587 and 465: callers who speak SMTP (RFC 6409). Nothing without TLS, nothing without a login.</summary>
internal sealed class SubmissionListener(SubmissionDesk desk, ListenerTls tls, ReceiveOptions options, ContentBudget budget, SmtpClientOptions names, TimeProvider time)
{
    private readonly ReceptionLimits limits = new() { MessageBytesMax = SendLimits.MessageBytesMax, RecipientsMax = SendLimits.RecipientsMax, Budget = budget };
    private readonly SmtpSessions afterStartTls = new(new Connections(options.ConnectionsMax, options.ConnectionsPerAddressMax), time);
    private readonly SmtpSessions underTls = new(new Connections(options.ConnectionsMax, options.ConnectionsPerAddressMax), time);

    /// <param name="connection">The client.</param>
    /// <param name="startsWithTls">Port 465.</param>
    public Task Serve(ConnectionContext connection, bool startsWithTls)
    {
        var session = new SubmissionSession(desk, connection.RemoteEndPoint);
        return (startsWithTls ? underTls : afterStartTls).Serve(connection, new Reception
        {
            HostName = names.HeloName,
            CheckRecipient = SubmissionSession.Check,
            Deliver = session.Deliver,
            Authenticate = session.Authenticate,
            Tls = () => tls(),
            StartsWithTls = startsWithTls,
            Limits = limits,
        });
    }
}
