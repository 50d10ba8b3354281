namespace MailApi.Mail.Smtp;

/// <summary>
/// Connections that wait for their next message, by source and destination address, TLS policy and login, and the count of all that are open to a site. Last in, first
/// out, so that the surplus grows old and is closed. No delivery waits for leave-taking (QUIT), unless the site has all its connections.
/// </summary>
internal sealed class ConnectionPool : IAsyncDisposable
{
    /// <summary>How long an idle connection can outlive its time.</summary>
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly SmtpClientOptions options;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly Dictionary<string, SiteConnections> sites = new(StringComparer.Ordinal);
    private readonly HashSet<Task> leaving = [];
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
    public SmtpConnection? Take(string site, ConnectionKey key)
    {
        lock (gate)
        {
            if (!sites.TryGetValue(site, out var connections)) return null;
            for (var index = connections.Idle.Count - 1; index >= 0; index--)
            {
                var connection = connections.Idle[index].Connection;
                if (connection.Key != key) continue;
                connections.Idle.RemoveAt(index);
                count--;
                if (connection.IsUsable) return connection;
                connection.Dispose();
                Closed(site, connections);
                // The last one closed may have taken the site's entry with it.
                if (connections.Idle.Count == 0) return null;
            }
        }
        return null;
    }

    /// <summary>
    /// Waits until one more may be opened to the site; <see cref="Closed(string)"/> is owed for it. Where all are open and one is idle, for another
    /// address, that one is left.
    /// </summary>
    public Task Reserve(string site, ConnectionTerms terms, CancellationToken ct)
    {
        lock (gate)
        {
            if (!sites.TryGetValue(site, out var connections)) sites[site] = connections = new SiteConnections();
            if (connections.Open < terms.Connections)
            {
                connections.Open++;
                return Task.CompletedTask;
            }
            if (connections.Idle.Count > 0)
            {
                var oldest = connections.Idle[0].Connection;
                connections.Idle.RemoveAt(0);
                count--;
                Leave(site, connections, oldest);
            }
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            connections.Waiting.Enqueue(turn);
            return Await(turn, ct);
        }
    }

    /// <summary>A reserved connection was not opened, or is closed.</summary>
    public void Closed(string site)
    {
        lock (gate)
            if (sites.TryGetValue(site, out var connections)) Closed(site, connections);
    }

    /// <summary>Keeps the connection if there is room, takes leave of it if it has served long enough, closes it if it is of no use.</summary>
    public void Return(string site, ConnectionTerms terms, SmtpConnection connection)
    {
        lock (gate)
        {
            var connections = sites[site];
            if (!connection.IsUsable || disposed)
            {
                connection.Dispose();
                Closed(site, connections);
            }
            else if (connection.Messages >= terms.Messages || connections.Open > terms.Connections || connections.Waiting.Count > connections.Leaving || count >= options.IdleMax) Leave(site, connections, connection);
            else
            {
                connections.Idle.Add(new Idle(connection, time.GetTimestamp(), terms.IdleTime));
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
        TakeLeave(_ => true);
        Task[] last;
        lock (gate) last = [.. leaving];
        await Task.WhenAll(last);
    }

    private async Task Sweep()
    {
        while (await tick.WaitForNextTickAsync()) TakeLeave(idle => time.GetElapsedTime(idle.Since) >= idle.Time);
    }

    private void TakeLeave(Func<Idle, bool> tooOld)
    {
        lock (gate)
        {
            foreach (var (site, connections) in sites.ToArray())
            {
                Idle[] old = [.. connections.Idle.Where(tooOld)];
                count -= connections.Idle.RemoveAll(idle => old.Contains(idle));
                foreach (var idle in old) Leave(site, connections, idle.Connection);
            }
        }
    }

    /// <summary>Under the lock: says QUIT, off everybody's path; the site has the connection until that is answered.</summary>
    private void Leave(string site, SiteConnections connections, SmtpConnection connection)
    {
        connections.Leaving++;
        var quitting = Task.Run(async () =>
        {
            await connection.Quit();
            lock (gate)
            {
                connections.Leaving--;
                Closed(site, connections);
            }
        });
        leaving.Add(quitting);
        _ = quitting.ContinueWith(done => { lock (gate) leaving.Remove(done); }, TaskScheduler.Default);
    }

    private void Closed(string site, SiteConnections connections)
    {
        // Who waits takes the place of the one that went.
        while (connections.Waiting.TryDequeue(out var turn))
            if (turn.TrySetResult()) return;
        if (--connections.Open == 0) sites.Remove(site);
    }

    private static async Task Await(TaskCompletionSource turn, CancellationToken ct)
    {
        await using var given = ct.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
        await turn.Task;
    }

    private sealed record Idle(SmtpConnection Connection, long Since, TimeSpan Time);

    private sealed class SiteConnections
    {
        /// <summary>Busy, idle and leaving.</summary>
        public int Open { get; set; }
        public int Leaving { get; set; }
        public List<Idle> Idle { get; } = [];
        public Queue<TaskCompletionSource> Waiting { get; } = [];
    }
}
