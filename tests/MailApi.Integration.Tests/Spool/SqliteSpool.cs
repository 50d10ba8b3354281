using MailApi.Hosting;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Spool;

public sealed class SqliteSpool : SpoolContract
{
    private readonly TempDirectory directory = new();

    private protected override Task<Db> OpenStore()
    {
        var options = new StoreOptions();
        Store.Migrate(options, directory.Path);
        return Task.FromResult(Store.Open(options, directory.Path, TimeProvider.System));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        directory.Dispose();
        GC.SuppressFinalize(this);
    }
}
