namespace MailApi.Delivery;

/// <summary>Cancelled when the process begins to stop: what is not past DATA is given back, what is past it is finished.</summary>
internal sealed class Stopping(IHostApplicationLifetime lifetime)
{
    public CancellationToken Token => lifetime.ApplicationStopping;
}
