using System.Net;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using Microsoft.AspNetCore.Connections;

namespace MailApi.Receiving;

/// <summary>Port 25: strangers' mail servers, of which <see cref="Inbound"/> takes what is addressed to us. No login, so nothing can be relayed.</summary>
internal sealed class InboundConnectionHandler(Inbound inbound, ListenerTls tls, ReceiveOptions options, SmtpClientOptions names, TimeProvider time) : ConnectionHandler
{
    /// <summary>A bounce or report for each of so many addresses: more come in the next transaction.</summary>
    private const int RecipientsMax = 100;

    /// <summary>Bounces seldom hold all of what they answer; a report in base64 is the largest that comes.</summary>
    private const int MessageBytesMax = 16 << 20;

    /// <summary>Octets under way, apart from what submission has: strangers must not keep callers out.</summary>
    private const long UnderWayBytesMax = 128L << 20;

    /// <summary>Some reports have their text in one line, and nobody would bring a refused bounce again.</summary>
    private const int TextLineBytesMax = 64 << 10;

    /// <summary>After which one that drips is gone.</summary>
    private static readonly TimeSpan SessionTimeout = TimeSpan.FromMinutes(15);

    private readonly SmtpSessions sessions = new(new Connections(options.ConnectionsMax, options.ConnectionsPerAddressMax), time);
    private readonly Acquaintances acquaintances = new(time);

    private readonly Reception reception = new()
    {
        HostName = names.HeloName,
        CheckRecipient = inbound.Check,
        Deliver = inbound.Deliver,
        Tls = () => tls(),
        Limits = new ReceptionLimits
        {
            GreetingPause = options.GreetingPause,
            RecipientsMax = RecipientsMax,
            MessageBytesMax = MessageBytesMax,
            TextLineBytesMax = TextLineBytesMax,
            SessionTimeout = SessionTimeout,
            Budget = new ContentBudget(UnderWayBytesMax),
        },
    };

    public override Task OnConnectedAsync(ConnectionContext connection)
    {
        var client = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        var limits = client is not null && acquaintances.Know(client) ? reception.Limits with { GreetingPause = TimeSpan.Zero } : reception.Limits;
        return sessions.Serve(connection, reception with { Limits = limits, Deliver = Deliver });

        async Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct)
        {
            var reply = await inbound.Deliver(message, ct);
            if (reply.IsPositive && client is not null) acquaintances.Meet(client);
            return reply;
        }
    }
}
