using System.Text.Json;
using System.Threading.Channels;

namespace MailApi.Testing;

/// <summary>
/// An append-only file of one JSON line an entry. Who writes at the same time shares one fsync, so that a peer can have its memory on disk before it
/// answers without being slow.
/// </summary>
public sealed class Ledger<T> : IAsyncDisposable where T : class
{
    private readonly FileStream _file;
    // More writers than this wait for their turn; each of them holds one entry.
    private readonly Channel<Entry> _entries = Channel.CreateBounded<Entry>(1024);
    private readonly Task _writing;

    public Ledger(string path)
    {
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        _writing = WriteAsync();
    }

    /// <summary>Returns when the line is on disk.</summary>
    public async Task AppendAsync(T line)
    {
        var entry = new Entry(JsonSerializer.SerializeToUtf8Bytes(line), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
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

/// <summary>Reads ledgers.</summary>
public static class Ledger
{
    /// <summary>Reads a ledger; a last line that was cut off by a crash is left out.</summary>
    public static IEnumerable<T> Read<T>(string path) where T : class
    {
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (file.ReadLine() is { } line)
        {
            if (line.EndsWith('}')) yield return JsonSerializer.Deserialize<T>(line)!;
        }
    }
}
