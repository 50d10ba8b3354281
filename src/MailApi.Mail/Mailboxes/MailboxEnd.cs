using MailKit;

namespace MailApi.Mail.Mailboxes;

/// <summary>How sessions end.</summary>
internal static class MailboxEnd
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Takes leave where that is still possible; POP3 removes what it was told to only then.</summary>
    public static async Task Leave(MailService client, TimeProvider time)
    {
        if (!client.IsConnected) return;
        using var deadline = new CancellationTokenSource(Patience, time);
        try
        {
            await client.DisconnectAsync(quit: true, deadline.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ProtocolException or CommandException or ObjectDisposedException)
        {
            // It is over anyway.
        }
    }
}
