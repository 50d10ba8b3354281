using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

/// <summary>
/// A client at the other end of a session's pipes. Each write is handled by the session before it returns (the pipes run continuations inline), so that what
/// one write holds is what the session sees at once. Text is Latin-1: a character is an octet.
/// </summary>
internal sealed class Client : IAsyncDisposable
{
    public const string Host = "mx.test";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Pipe toServer;
    private readonly Pipe toClient;
    private readonly CancellationTokenSource stopping = new();

    private Client(Pipe toServer, Pipe toClient, FakeTimeProvider time) => (this.toServer, this.toClient, Time) = (toServer, toClient, time);

    public FakeTimeProvider Time { get; }

    /// <summary>The session; the pipes are completed when it is.</summary>
    public Task Session { get; private set; } = Task.CompletedTask;

    public List<(ReceivedMessage Message, string Content)> Delivered { get; } = [];

    /// <summary>Answers messages; the tests of one session set it.</summary>
    public Func<ReceivedMessage, Reply> OnDeliver { get; set; } = _ => new Reply(250, "2.0.0", "Stored");

    public static Client Connect(ReceptionLimits? limits = null, string early = "", MemoryPool<byte>? segments = null, long unreadRepliesMax = 0, Func<Reception, Reception>? policy = null)
    {
        var toServer = new Pipe(new PipeOptions(segments, PipeScheduler.Inline, PipeScheduler.Inline, pauseWriterThreshold: 0, minimumSegmentSize: segments is null ? -1 : 1, useSynchronizationContext: false));
        var toClient = new Pipe(new PipeOptions(null, PipeScheduler.Inline, PipeScheduler.Inline, unreadRepliesMax, unreadRepliesMax / 2, useSynchronizationContext: false));
        var client = new Client(toServer, toClient, new FakeTimeProvider());
        client.Write(early);
        client.Session = client.Serve(limits ?? new ReceptionLimits(), policy ?? (reception => reception));
        return client;
    }

    /// <summary>Connected, greeted and past EHLO.</summary>
    public static async Task<Client> Ready(ReceptionLimits? limits = null, MemoryPool<byte>? segments = null)
    {
        var client = Connect(limits, segments: segments);
        await client.Expect("220 ");
        client.Write("EHLO client.test\r\n");
        await client.Expect("250-", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 HELP");
        return client;
    }

    /// <summary>Ready, with an open transaction and its recipient.</summary>
    public static async Task<Client> InTransaction(ReceptionLimits? limits = null, MemoryPool<byte>? segments = null)
    {
        var client = await Ready(limits, segments);
        client.Write("MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\n");
        await client.Expect("250 2.1.0", "250 2.1.5");
        return client;
    }

    public void Write(string text)
    {
        if (text.Length == 0) return;
        toServer.Writer.Write(Encoding.Latin1.GetBytes(text));
        // No threshold pauses the writer: the flush has ended when the session waits again.
        Assert.True(toServer.Writer.FlushAsync(CancellationToken.None).AsTask().IsCompleted);
    }

    /// <summary>Reads a line for each expectation, with which it must begin.</summary>
    public async Task Expect(params string[] lines)
    {
        foreach (var line in lines)
        {
            var actual = await ReadLine();
            Assert.True(actual is not null && actual.StartsWith(line, StringComparison.Ordinal), $"Expected \"{line}\", but the server said: {actual ?? "(nothing more)"}");
        }
    }

    public async Task Ask(string command, params string[] replies)
    {
        Write(command + "\r\n");
        await Expect(replies);
    }

    /// <summary>The server says nothing more, and the session ends.</summary>
    public async Task ExpectEnd()
    {
        Assert.Null(await ReadLine());
        await Session.WaitAsync(Patience);
    }

    /// <summary>What the next flush of the server holds, however many replies.</summary>
    public Task<string> NextFlush()
    {
        var pending = toClient.Reader.ReadAsync(CancellationToken.None).AsTask();
        return Text();

        async Task<string> Text()
        {
            var result = await pending.WaitAsync(Patience);
            var text = Encoding.Latin1.GetString(result.Buffer);
            toClient.Reader.AdvanceTo(result.Buffer.End);
            return text;
        }
    }

    /// <summary>Ends the client's side; the server may still speak.</summary>
    public void Close(Exception? reset = null) => toServer.Writer.Complete(reset);

    public void StopServer() => stopping.Cancel();

    /// <summary>Null when the server has ended.</summary>
    public async Task<string?> ReadLine()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var result = await toClient.Reader.ReadAsync(patience.Token);
            var reader = new SequenceReader<byte>(result.Buffer);
            if (reader.TryReadTo(out ReadOnlySequence<byte> line, "\r\n"u8))
            {
                var text = Encoding.Latin1.GetString(line);
                toClient.Reader.AdvanceTo(reader.Position);
                return text;
            }
            Assert.True(!result.IsCompleted || result.Buffer.IsEmpty, "The server's last line has no end.");
            toClient.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted) return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Close();
        await toClient.Reader.CompleteAsync();
        await Session.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    /// <summary>The connection as TLS needs it. From here on nothing else may read or write.</summary>
    public Stream AsStream() => new Joined(toClient.Reader.AsStream(), toServer.Writer.AsStream());

    private async Task Serve(ReceptionLimits limits, Func<Reception, Reception> policy)
    {
        var reception = policy(new Reception { HostName = Host, CheckRecipient = Check, Deliver = Deliver, Limits = limits });
        try
        {
            await reception.Serve(new Duplex(toServer.Reader, toClient.Writer), new IPEndPoint(IPAddress.Loopback, 4025), Time, stopping.Token, CancellationToken.None);
        }
        finally
        {
            await toServer.Reader.CompleteAsync();
            await toClient.Writer.CompleteAsync();
        }
    }

    private static Task<Reply> Check(Sender sender, MailPath recipient, CancellationToken ct) => Task.FromResult(
        recipient.LocalPart == "nobody" ? new Reply(550, "5.1.1", "No such mailbox") : new Reply(250, "2.1.5", "OK"));

    private Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct)
    {
        var content = Encoding.Latin1.GetString(message.Content.Span);
        var reply = OnDeliver(message);
        if (reply.IsPositive) Delivered.Add((message with { Recipients = [.. message.Recipients], Content = default }, content));
        return Task.FromResult(reply);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>What is read from one stream and written to another.</summary>
internal sealed class Joined(Stream input, Stream output) : Stream
{
    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);
    public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);
    public override void Flush() => output.Flush();
    public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);
    public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>Memory in blocks of a few octets, so that every octet may begin another segment.</summary>
internal sealed class TinyBlocks(int bytes) : MemoryPool<byte>
{
    public override int MaxBufferSize => bytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Block(new byte[bytes]);

    protected override void Dispose(bool disposing)
    {
    }

    private sealed record Block(byte[] Octets) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => Octets;

        public void Dispose()
        {
        }
    }
}
