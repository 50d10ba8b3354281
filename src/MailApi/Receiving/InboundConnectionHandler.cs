using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using Microsoft.AspNetCore.Connections;

namespace MailApi.Receiving;

/// <summary>Port 25: strangers' mail servers, of which <see cref="Inbound"/> takes what is addressed to us. No login, so nothing can be relayed.</summary>
internal sealed class InboundConnectionHandler(Inbound inbound, ListenerTls tls, ReceiveOptions options, ContentBudget budget, SmtpClientOptions names, TimeProvider time) : ConnectionHandler
{
    /// <summary>A bounce or report for each of so many addresses: more come in the next transaction.</summary>
    private const int RecipientsMax = 100;

    private readonly SmtpSessions sessions = new(new Connections(options.ConnectionsMax, options.ConnectionsPerAddressMax), time);

    private readonly Reception reception = new()
    {
        HostName = names.HeloName,
        CheckRecipient = inbound.Check,
        Deliver = inbound.Deliver,
        Tls = () => tls(),
        Limits = new ReceptionLimits { GreetingPause = options.GreetingPause, RecipientsMax = RecipientsMax, Budget = budget },
    };

    public override Task OnConnectedAsync(ConnectionContext connection) => sessions.Serve(connection, reception);
}
