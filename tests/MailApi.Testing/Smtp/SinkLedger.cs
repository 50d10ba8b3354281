using System.Text.Json;
using System.Threading.Channels;

namespace MailApi.Testing;

/// <summary>
/// The sink's memory of what it has kept: one JSON line per recipient, appended and on disk before the sender hears 250. Sessions that
/// write at the same time share one fsync.
/// </summary>
internal sealed class SinkLedger : IAsyncDisposable
{
    private readonly FileStream _file;
    // More sessions than this wait for their turn; each of them holds one entry.
    private readonly Channel<Entry> _entries = Channel.CreateBounded<Entry>(1024);
    private readonly Task _writing;

    public SinkLedger(string path)
    {
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        _writing = WriteAsync();
    }

    /// <summary>Returns when the message's line is on disk.</summary>
    public async Task AppendAsync(SinkMessage message)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(new SinkLedgerLine(
            message.Time, message.MessageId, message.Recipient, message.MailFrom, message.BodySha256, message.SizeBytes));
        var entry = new Entry(line, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _entries.Writer.WriteAsync(entry);
        await entry.Done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _entries.Writer.TryComplete();
        await _writing;
        await _file.DisposeAsync();
    }

    private async Task WriteAsync()
    {
        var batch = new List<Entry>();
        while (await _entries.Reader.WaitToReadAsync())
        {
            while (_entries.Reader.TryRead(out var entry))
            {
                _file.Write(entry.Line);
                _file.WriteByte((byte)'\n');
                batch.Add(entry);
            }
            _file.Flush(flushToDisk: true);
            batch.ForEach(entry => entry.Done.SetResult());
            batch.Clear();
        }
    }

    private sealed record Entry(byte[] Line, TaskCompletionSource Done);
}

/// <summary>A line of the sink's ledger.</summary>
public sealed record SinkLedgerLine(DateTimeOffset Time, string MessageId, string Recipient, string MailFrom, string BodySha256, int SizeBytes)
{
    /// <summary>Reads a ledger; a last line that was cut off by a crash is left out.</summary>
    public static IEnumerable<SinkLedgerLine> Read(string path)
    {
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (file.ReadLine() is { } line)
        {
            if (line.EndsWith('}')) yield return JsonSerializer.Deserialize<SinkLedgerLine>(line)!;
        }
    }
}
