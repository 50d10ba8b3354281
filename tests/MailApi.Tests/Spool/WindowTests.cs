using MailApi.Api;
using MailApi.Spool;

namespace MailApi.Tests.Spool;

public sealed class WindowTests
{
    private static readonly TenantId Flood = new TenantId(Guid.CreateVersion7()), Quiet = new TenantId(Guid.CreateVersion7());
    private readonly Window window = new(TimeProvider.System);

    [Fact]
    public void One_tenant_takes_a_quarter()
    {
        Assert.Equal(Window.TenantSlotsMax, window.Take(Category.Support, Flood, 10_000));
        Assert.Equal(0, window.Take(Category.Support, Flood, 1));
        Assert.Equal(1, window.Take(Category.Marketing, Flood, 1));
        Assert.False(window.IsFull);
    }

    [Fact]
    public void What_a_sweep_rang_counts_at_once()
    {
        window.Add(Category.Support, [(Flood.Value, Window.SlotsMax)]);

        Assert.True(window.IsFull);
        Assert.Equal(0, window.Take(Category.Support, Flood, 1));
    }

    [Fact]
    public void However_much_a_flood_has_there_are_places_for_who_has_few()
    {
        window.Recount([(Category.Support, Flood.Value, 2 * Window.SlotsMax)]);

        Assert.Equal(0, window.Take(Category.Support, Flood, 1));
        Assert.Equal(Window.FewSlots, window.Take(Category.Support, Quiet, 100));
        Assert.Equal(0, window.Take(Category.Support, Quiet, 100));
    }

    [Fact]
    public void What_is_claimed_here_makes_room_at_once()
    {
        window.Take(Category.Support, Flood, Window.TenantSlotsMax);
        for (var claims = 0; claims < 3; claims++) window.Leave(Category.Support, Flood);
        Assert.Equal(3, window.Take(Category.Support, Flood, 10));

        window.Recount([]);
        window.Leave(Category.Support, Flood);
        Assert.Equal(Window.TenantSlotsMax, window.Take(Category.Support, Flood, 10_000));
    }

    [Fact]
    public void Places_for_who_has_few_end_too()
    {
        window.Add(Category.Support, [(Flood.Value, Window.SlotsMax)]);

        var granted = Enumerable.Range(0, 1000).Sum(_ => window.Take(Category.Support, new TenantId(Guid.CreateVersion7()), 1));

        Assert.Equal(Window.ReservedSlots, granted);
    }
}
