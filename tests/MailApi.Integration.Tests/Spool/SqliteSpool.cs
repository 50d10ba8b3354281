using MailApi.Hosting;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Spool;

public sealed class SqliteSpool : SpoolContract
{
    private readonly TempDirectory directory = new();
    private readonly SettableClock clock = new();

    private protected override Task<Db> OpenStore()
    {
        var options = new StoreOptions();
        Store.Migrate(options, directory.Path);
        return Task.FromResult(Store.Open(options, directory.Path, clock));
    }

    private protected override Task SetClock(TimeSpan ahead)
    {
        clock.Ahead = ahead;
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private sealed class SettableClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
    }
}
