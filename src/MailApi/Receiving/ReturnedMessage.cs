using MailApi.Mail.Bounces;

namespace MailApi.Receiving;

/// <summary>A message that came back, for all whom it was sent to: it is read when the first of them needs it, and once.</summary>
/// <param name="octets">They must stay as they are while this is in use.</param>
internal sealed class ReturnedMessage(ReadOnlyMemory<byte> octets)
{
    private Returned? whole;
    private Returned? complaint;

    public ReadOnlyMemory<byte> Octets => octets;

    /// <summary>What it says.</summary>
    /// <param name="readers">Bounds how many messages are read at once.</param>
    /// <param name="ct">Ends the wait for a reader.</param>
    public async Task<Returned> Read(SemaphoreSlim readers, CancellationToken ct) => whole ??= await Read(ReturnedMail.Read, readers, ct);

    /// <summary>What it says where nothing but a complaint counts.</summary>
    public async Task<Returned> ReadComplaint(SemaphoreSlim readers, CancellationToken ct) => complaint ??= whole ?? await Read(ReturnedMail.ReadComplaint, readers, ct);

    private async Task<Returned> Read(Func<ReadOnlyMemory<byte>, Returned> read, SemaphoreSlim readers, CancellationToken ct)
    {
        await readers.WaitAsync(ct);
        try
        {
            return read(octets);
        }
        finally
        {
            readers.Release();
        }
    }
}
