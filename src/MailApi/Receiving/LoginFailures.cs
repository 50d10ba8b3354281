using System.Net;
using Microsoft.Extensions.Caching.Memory;

namespace MailApi.Receiving;

/// <summary>
/// Makes clients wait who log in with keys that are none. A key has 256 bits, so nobody finds one by trying: what this saves is the store's time, and the log's.
/// In memory and per process.
/// </summary>
internal sealed class LoginFailures(ReceiveOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(15);

    /// <summary>Without a failure for so long, a client begins anew.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromHours(1);

    private readonly MemoryCache clients = new(new MemoryCacheOptions { SizeLimit = 100_000 });

    public bool MayTry(IPAddress client) => !clients.TryGetValue(client, out Client? known) || known!.MayTry(time);

    public void Failed(IPAddress client) => clients.GetOrCreate(client, entry =>
    {
        entry.SetSize(1).SetSlidingExpiration(Forgotten);
        return new Client(options.LoginFailuresMax);
    })!.Failed(time);

    public void Succeeded(IPAddress client) => clients.Remove(client);

    public void Dispose() => clients.Dispose();

    private sealed class Client(int free)
    {
        private readonly Lock gate = new();
        private int failures;
        private long failedAt;

        public bool MayTry(TimeProvider time)
        {
            lock (gate) return time.GetElapsedTime(failedAt) >= Wait;
        }

        public void Failed(TimeProvider time)
        {
            lock (gate) (failures, failedAt) = (failures + 1, time.GetTimestamp());
        }

        private TimeSpan Wait
        {
            get
            {
                if (failures < free) return TimeSpan.Zero;
                var wait = FirstWait * Math.Pow(2, Math.Min(failures - free, 10));
                return wait < LongestWait ? wait : LongestWait;
            }
        }
    }
}
