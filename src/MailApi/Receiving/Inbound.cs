using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;

namespace MailApi.Receiving;

/// <summary>Which addresses of port 25 are ours, and what becomes of their mail.</summary>
internal sealed class Inbound
{
    private readonly Reply notOurs = new(550, "5.7.1", "Not an address of ours, and nothing is relayed here");

    public Task<Reply> Check(Sender sender, MailPath recipient, CancellationToken ct) => Task.FromResult(notOurs);

    public Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct) => Task.FromResult(notOurs);
}
