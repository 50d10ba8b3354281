using MailApi.Domains;
using Xunit;

namespace MailApi.Tests.Domains;

public sealed class ShortCacheTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);
    private readonly SettableClock clock = new();
    private readonly CancellationToken ct = TestContext.Current.CancellationToken;
    private int loads;

    [Fact]
    public async Task A_value_is_loaded_again_only_when_it_is_old()
    {
        var cache = Cache(key => $"{key} {++loads}");

        Assert.Equal("a 1", await cache.Get("a", ct));
        clock.Advance(Lifetime - TimeSpan.FromMilliseconds(1));
        Assert.Equal("a 1", await cache.Get("a", ct));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("a 2", await cache.Get("a", ct));
    }

    [Fact]
    public async Task A_forgotten_value_is_loaded_again()
    {
        var cache = Cache(key => $"{key} {++loads}");

        await cache.Get("a", ct);
        cache.Forget("a");

        Assert.Equal("a 2", await cache.Get("a", ct));
    }

    [Fact]
    public async Task What_is_not_there_is_not_remembered()
    {
        var cache = Cache(key => ++loads == 1 ? null : key);

        Assert.Null(await cache.Get("a", ct));
        Assert.Equal("a", await cache.Get("a", ct));
    }

    [Fact]
    public async Task A_failed_load_is_not_remembered()
    {
        var cache = Cache(key => ++loads == 1 ? throw new InvalidOperationException() : key);

        await Assert.ThrowsAsync<InvalidOperationException>(() => cache.Get("a", ct));
        Assert.Equal("a", await cache.Get("a", ct));
    }

    [Fact]
    public async Task One_load_serves_all_who_wait_and_one_who_leaves_does_not_end_it()
    {
        var answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var cache = new ShortCache<string, string>(Lifetime, 10, clock, _ =>
        {
            loads++;
            return answer.Task;
        });
        using var leaving = new CancellationTokenSource();

        var left = cache.Get("a", leaving.Token);
        var stays = cache.Get("a", ct);
        await leaving.CancelAsync();
        answer.SetResult("value");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.Equal("value", await stays);
        Assert.Equal(1, loads);
    }

    [Fact]
    public async Task A_full_cache_drops_what_is_old_and_keeps_the_rest()
    {
        var cache = new ShortCache<string, string>(Lifetime, 2, clock, key => Task.FromResult<string?>($"{key} {++loads}"));

        await cache.Get("old", ct);
        clock.Advance(Lifetime);
        await cache.Get("young", ct);
        await cache.Get("new", ct);

        Assert.Equal("young 2", await cache.Get("young", ct));
    }

    private ShortCache<string, string> Cache(Func<string, string?> load) => new(Lifetime, 10, clock, async key =>
    {
        await Task.Yield();
        return load(key);
    });

    private sealed class SettableClock : TimeProvider
    {
        private long ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => ticks;
        public void Advance(TimeSpan by) => ticks += by.Ticks;
    }
}
