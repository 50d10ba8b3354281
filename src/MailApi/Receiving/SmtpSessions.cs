using System.Net.Security;
using System.Text;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace MailApi.Receiving;

/// <summary>What the listeners answer a handshake with, asked anew each time: the certificate may have changed.</summary>
internal delegate SslServerAuthenticationOptions ListenerTls();

/// <summary>Leads the sessions of one listener: as many as may be open, each to its end or until the process stops.</summary>
internal sealed class SmtpSessions(Connections connections, TimeProvider time)
{
    public async Task Serve(ConnectionContext connection, Reception reception)
    {
        var client = ClientNetwork.Of(connection.RemoteEndPoint);
        if (connections.Enter(client) is { } refusal)
        {
            // Before a handshake nobody could read it.
            if (!reception.StartsWithTls) await Say(connection, refusal);
            return;
        }
        // Kestrel, when it stops, asks its connections to end before it cuts them off.
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? connection.ConnectionClosed;
        try
        {
            await reception.Serve(connection.Transport, connection.RemoteEndPoint, time, stopping, connection.ConnectionClosed);
        }
        catch (OperationCanceledException) when (connection.ConnectionClosed.IsCancellationRequested)
        {
            // The client left while its message was being stored. It has no positive reply, so it will bring the message again.
        }
        finally
        {
            connections.Leave(client);
        }
    }

    private static async Task Say(ConnectionContext connection, Reply reply)
    {
        try
        {
            await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"{reply}\r\n"), connection.ConnectionClosed);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Gone already.
        }
    }
}
