using System.Threading.Channels;

namespace MailApi.Webhooks;

/// <summary>
/// Tells the pump of this process that deliveries may be due: ring it after the commit that wrote them. Rings while one is unheard are
/// one; a lost ring costs a poll interval.
/// </summary>
public sealed class WebhookSignal
{
    private readonly Channel<bool> bell = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Signal() => bell.Writer.TryWrite(true);

    internal async Task Wait(CancellationToken ct) => await bell.Reader.ReadAsync(ct);
}
