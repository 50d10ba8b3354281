namespace MailApi.Mail.Smtp;

/// <summary>
/// Connections that wait for their next message, by address, TLS policy and login. Last in, first out, so that the surplus grows old and is
/// closed. All leave-taking (QUIT) is done by the sweep, never by a delivery.
/// </summary>
internal sealed class ConnectionPool : IAsyncDisposable
{
    /// <summary>How long an idle connection can outlive its time.</summary>
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly SmtpClientOptions options;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly Dictionary<ConnectionKey, List<(SmtpConnection Connection, long Since)>> idle = [];
    private readonly List<SmtpConnection> leaving = [];
    private readonly PeriodicTimer tick;
    private readonly Task sweeping;
    private int count;
    private bool disposed;

    public ConnectionPool(SmtpClientOptions options, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        tick = new PeriodicTimer(SweepInterval, time);
        sweeping = Sweep();
    }

    /// <summary>Idle connections.</summary>
    public int Count
    {
        get { lock (gate) return count; }
    }

    /// <summary>The youngest usable connection, or null.</summary>
    public SmtpConnection? Take(ConnectionKey key)
    {
        lock (gate)
        {
            while (idle.TryGetValue(key, out var waiting))
            {
                var connection = waiting[^1].Connection;
                waiting.RemoveAt(waiting.Count - 1);
                if (waiting.Count == 0) idle.Remove(key);
                count--;
                if (connection.IsUsable) return connection;
                connection.Dispose();
            }
        }
        return null;
    }

    /// <summary>Keeps the connection if there is room, takes leave of it if it has served long enough, closes it if it is of no use.</summary>
    public void Return(SmtpConnection connection)
    {
        if (!connection.IsUsable)
        {
            connection.Dispose();
            return;
        }
        lock (gate)
        {
            if (disposed || this.leaving.Count >= this.options.IdleMax) connection.Dispose();
            else if (!HasRoom(connection)) this.leaving.Add(connection);
            else
            {
                if (!idle.TryGetValue(connection.Key, out var waiting)) idle[connection.Key] = waiting = [];
                waiting.Add((connection, this.time.GetTimestamp()));
                count++;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
        }
        tick.Dispose();
        await sweeping;
        await TakeLeave(_ => true);
    }

    private bool HasRoom(SmtpConnection connection) =>
        connection.Messages < this.options.MessagesPerConnectionMax
        && count < this.options.IdleMax
        && (!idle.TryGetValue(connection.Key, out var waiting) || waiting.Count < this.options.IdlePerHostMax);

    private async Task Sweep()
    {
        while (await tick.WaitForNextTickAsync())
        {
            await TakeLeave(since => this.time.GetElapsedTime(since) >= this.options.IdleTimeout);
        }
    }

    private async Task TakeLeave(Func<long, bool> tooOld)
    {
        List<SmtpConnection> leaving;
        lock (gate)
        {
            leaving = [.. this.leaving];
            this.leaving.Clear();
            foreach (var (key, waiting) in idle)
            {
                leaving.AddRange(waiting.Where(idle => tooOld(idle.Since)).Select(idle => idle.Connection));
                count -= waiting.RemoveAll(idle => tooOld(idle.Since));
                if (waiting.Count == 0) idle.Remove(key);
            }
        }
        await Task.WhenAll(leaving.Select(connection => connection.Quit()));
    }
}
