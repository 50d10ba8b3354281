using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using MailApi.Proof.Ledgers;
using MailApi.Testing;

namespace MailApi.Proof.Loading;

/// <summary>
/// Sends at a steady rate, whatever the system does: an open loop. What has an idempotency key is sent again until it is answered, as a client that wants its
/// mail sent would; what has none is sent once, and without an answer nobody knows whether it was accepted.
/// </summary>
public sealed class Load : IAsyncDisposable
{
    /// <summary>Calls under way; beyond them a message waits for its turn.</summary>
    private const int CallsMax = 200;

    /// <summary>Steady messages have smaller numbers.</summary>
    public const int FirstBeside = 1_000_000;

    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(250);
    private readonly Stand stand;
    private readonly LoadOptions options;
    private readonly int seed;
    private readonly Ledger<IntentLine> intents;
    private readonly Ledger<AnswerLine> answers;
    private readonly SemaphoreSlim room = new(CallsMax, CallsMax);
    private readonly CancellationTokenSource stopping = new();
    private readonly CancellationTokenSource givingUp = new();
    private readonly ConcurrentDictionary<Task, bool> sending = new();
    private readonly HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = CallsMax }) { Timeout = CallPatience };
    private Task running = Task.CompletedTask;
    private int sent, acknowledged;
    private int beside = FirstBeside - 1;

    private Load(Stand stand, LoadOptions options, int seed)
    {
        (this.stand, this.options, this.seed) = (stand, options, seed);
        (intents, answers) = (new(stand.PathOf("intents")), new(stand.PathOf("answers")));
    }

    /// <summary>Messages that were attempted so far.</summary>
    public int Sent => Volatile.Read(ref sent);

    /// <summary>Calls that were answered 202 so far.</summary>
    public int Acknowledged => Volatile.Read(ref acknowledged);

    /// <summary>Has sent as many as it was told to.</summary>
    public Task Completion => running;

    /// <summary>Registers the tenants and begins.</summary>
    public static async Task<Load> Start(Stand stand, LoadOptions options, int seed, CancellationToken ct)
    {
        for (var number = stand.Tenants.Count; number < options.Tenants; number++)
        {
            var limited = number > 0 && number == options.Tenants - 1;
            await stand.Register(limited ? options.LimitedPerSecond : 10_000, limited ? 2 * options.LimitedPerSecond : 10_000, ct);
        }
        var load = new Load(stand, options, seed);
        stand.Load = load;
        load.running = load.Run();
        return load;
    }

    /// <summary>Sends a message beside the steady ones; returns when each of its clients has its answer.</summary>
    /// <param name="make">Makes it from its number, which is <see cref="FirstBeside"/> or more.</param>
    /// <param name="ct">Ends the wait for a turn.</param>
    public async Task SendBeside(Func<int, Intent> make, CancellationToken ct)
    {
        await room.WaitAsync(ct);
        await Send(make(Interlocked.Increment(ref beside)));
    }

    /// <summary>Ends it: no new message, and what is on its way until it is answered, at most so long.</summary>
    public async Task Stop(TimeSpan patience)
    {
        await stopping.CancelAsync();
        await running;
        givingUp.CancelAfter(patience);
        await Task.WhenAll(sending.Keys);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await givingUp.CancelAsync();
        await running;
        await Task.WhenAll(sending.Keys);
        await intents.DisposeAsync();
        await answers.DisposeAsync();
        client.Dispose();
        room.Dispose();
        stopping.Dispose();
        givingUp.Dispose();
    }

    private async Task Run()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / options.MessagesPerSecond), TimeProvider.System);
        try
        {
            for (var number = 0; number < options.MessagesMax; number++)
            {
                await timer.WaitForNextTickAsync(stopping.Token);
                await room.WaitAsync(stopping.Token);
                var one = Send(Intent.Make(seed, number, options, stand.Tenants));
                sending[one] = true;
                _ = one.ContinueWith(done => sending.TryRemove(done, out _), TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }

    private async Task Send(Intent intent)
    {
        try
        {
            await intents.AppendAsync(new IntentLine(
                TimeProvider.System.GetUtcNow(), intent.Number, intent.Tenant.Number, intent.Key, intent.Recipients, intent.Hold, intent.BodySha256));
            Interlocked.Increment(ref sent);
            await Task.WhenAll(Enumerable.Range(0, intent.Clients).Select(index => SendUntilAnswered(intent, new Random(unchecked((seed * 31) + (intent.Number * 7) + index)))));
        }
        finally
        {
            room.Release();
        }
    }

    private async Task SendUntilAnswered(Intent intent, Random random)
    {
        while (true)
        {
            var answer = await Call(intent, stand.Nodes[random.Next(stand.Nodes.Count)]);
            await answers.AppendAsync(answer);
            if (answer.IsAcknowledged) Interlocked.Increment(ref acknowledged);
            var isOver = answer.Status is >= 200 and < 500 and not 429;
            if (intent.Key is null || isOver || givingUp.IsCancellationRequested) return;
            try
            {
                await Task.Delay(Again, TimeProvider.System, givingUp.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<AnswerLine> Call(Intent intent, MailApiProcess node)
    {
        var began = TimeProvider.System.GetUtcNow();
        var (status, body) = (0, "");
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(node.BaseAddress, "/send")) { Content = new StringContent(intent.ToJson(), Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", intent.Tenant.Key);
            if (intent.Key is not null) request.Headers.Add("Idempotency-Key", intent.Key);
            using var response = await client.SendAsync(request, givingUp.Token);
            (status, body) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync(givingUp.Token));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // Cut off, refused or too slow; a status without its whole body is an answer that nobody has read.
            (status, body) = (0, e.Message);
        }
        return new AnswerLine(began, TimeProvider.System.GetUtcNow(), intent.Number, status, body);
    }
}
