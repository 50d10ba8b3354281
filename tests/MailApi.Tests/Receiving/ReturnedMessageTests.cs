using System.Text;
using MailApi.Mail.Bounces;
using MailApi.Receiving;

namespace MailApi.Tests.Receiving;

public sealed class ReturnedMessageTests
{
    private static readonly byte[] Letter = Encoding.ASCII.GetBytes("From: ann@example.net\r\nSubject: Hello\r\n\r\nIs anybody there?\r\n");

    private readonly CancellationToken ct = TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_read_once_for_a_hundred_recipients()
    {
        using var readers = new SemaphoreSlim(1);
        var message = new ReturnedMessage(Letter);
        var (first, complaint) = (await message.Read(readers, ct), await message.ReadComplaint(readers, ct));
        for (var recipient = 1; recipient < 100; recipient++)
        {
            Assert.Same(first, await message.Read(readers, ct));
            Assert.Same(complaint, await message.ReadComplaint(readers, ct));
        }
        Assert.Same(first, complaint);
        Assert.Equal(1, readers.CurrentCount);
    }

    [Fact]
    public async Task Who_finds_no_reader_free_waits_and_may_give_up()
    {
        using var readers = new SemaphoreSlim(0);
        using var patience = new CancellationTokenSource();
        var read = new ReturnedMessage(Letter).Read(readers, patience.Token);
        Assert.False(read.IsCompleted);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);

        readers.Release();
        Assert.IsType<Returned.Other>(await new ReturnedMessage(Letter).Read(readers, ct));
    }
}
