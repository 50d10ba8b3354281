using MailApi.Spool;

namespace MailApi.Tests.Spool;

public sealed class BatcherTests
{
    [Fact]
    public async Task A_lane_carries_nothing_of_the_request_that_made_it()
    {
        var ambient = new AsyncLocal<string?> { Value = "the first request" };
        await using var batcher = new Batcher<int, string?>(lanes: 1, batch => Task.FromResult<IReadOnlyList<string?>>([.. batch.Select(_ => ambient.Value)]));
        Assert.Null(await batcher.Add(1, CancellationToken.None));
        Assert.Equal("the first request", ambient.Value);
    }
}
