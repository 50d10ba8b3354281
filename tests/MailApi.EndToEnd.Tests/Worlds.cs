using MailApi.Testing;
using Xunit.Sdk;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(MailApi.EndToEnd.Tests.Worlds))]
// Scenarios mostly wait: for a retry, for a server's start, for a node's silence.
[assembly: Parallelization(Mode = ParallelMode.All, MaxThreads = 6)]

namespace MailApi.EndToEnd.Tests;

/// <summary>The servers of the whole run, and one shared world a mode for scenarios that break nothing.</summary>
public sealed class Worlds : IAsyncDisposable
{
    private readonly Dictionary<Mode, Task<World>> shared = [];
    private readonly Dictionary<Mode, Task<ZonedWorld>> zoned = [];
    private readonly Lazy<Task<DistributedServers>> servers = new(DistributedServers.Start);

    /// <summary>A world that lives as long as the run; a scenario takes a tenant of its own in it.</summary>
    public async Task<World> Shared(Mode mode)
    {
        Task<World>? world;
        lock (shared)
        {
            if (!shared.TryGetValue(mode, out world)) shared[mode] = world = Own(mode, []);
        }
        return await world;
    }

    /// <summary>The same with a real name server, where a scenario publishes in a zone of its own.</summary>
    public async Task<ZonedWorld> Zoned(Mode mode)
    {
        Task<ZonedWorld>? world;
        lock (shared)
        {
            if (!zoned.TryGetValue(mode, out world)) zoned[mode] = world = ZonedWorld.Start(settings => Own(mode, settings));
        }
        return await world;
    }

    /// <summary>A world of the scenario's own. A server that it breaks is its own too; the others are everybody's.</summary>
    public async Task<World> Own(Mode mode, Dictionary<string, string> settings, Breaks breaks = Breaks.Nothing) =>
        await World.Start(mode == Mode.Embedded ? null : await (await servers.Value).WithOwn(breaks), settings);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(zoned.Values.Select(async world => await (await world).DisposeAsync()));
        await Task.WhenAll(shared.Values.Select(async world => await (await world).DisposeAsync()));
        if (servers.IsValueCreated) await (await servers.Value).DisposeAsync();
    }
}
