using System.Data.Common;
using MailApi.Api;
using MailApi.Mail.Bounces;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using MailApi.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace MailApi.Sandbox;

/// <summary>
/// The receiver of all that test keys send: a real SMTP session on a loopback port, so that the whole pipeline is tried. The return path's tag tells whose
/// mail it is; <see cref="SandboxScript"/> tells what becomes of it.
/// </summary>
internal sealed partial class SandboxConnectionHandler(Db db, Verp verp, TimeProvider time, ILogger<SandboxConnectionHandler> log) : ConnectionHandler
{
    /// <summary>What the key of return paths is derived for.</summary>
    public const string ReturnPathPurpose = "return-path";

    /// <summary>The 25 MiB that <c>POST /send</c> takes, grown by base64 and line ends, and the header.</summary>
    private static readonly ReceptionLimits Limits = new() { MessageBytesMax = 40 << 20 };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var reception = new Reception { HostName = "sandbox", CheckRecipient = Check, Deliver = Deliver, Limits = Limits };
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
    }

    private Task<Reply> Check(Sender sender, MailPath recipient, CancellationToken ct) =>
        Task.FromResult(TryReadEnvelope(sender, out _) ? SandboxScript.For(recipient) : new Reply(550, "5.7.1", "The return path is not one of ours"));

    private async Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct)
    {
        if (!TryReadEnvelope(message.Sender, out var envelope)) return new Reply(550, "5.7.1", "The return path has expired");
        try
        {
            if (await SandboxInbox.Keep(db, envelope, message, ct)) return new Reply(250, "2.0.0", "In the sandbox");
            LogUnknown(new EnvelopeId(envelope));
            return new Reply(550, "5.7.1", "No test message has this return path");
        }
        catch (DbException e)
        {
            LogStoreAway(new EnvelopeId(envelope), e.Message);
            return new Reply(451, "4.3.0", "The store is away, try again later");
        }
    }

    private bool TryReadEnvelope(Sender sender, out Guid envelope) =>
        verp.TryRead(sender.MailFrom?.LocalPart ?? "", DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), out envelope);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sandbox refused {Envelope}, which no test key sent.")]
    private partial void LogUnknown(EnvelopeId envelope);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sandbox could not keep {Envelope}: {Reason}")]
    private partial void LogStoreAway(EnvelopeId envelope, string reason);
}
