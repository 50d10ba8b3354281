using System.Text;
using System.Text.Json;
using MailApi.Api;
using MailApi.Events;
using MailApi.Webhooks;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class PayloadTests
{
    [Fact]
    public void An_oversized_event_loses_its_metadata_then_its_tags_then_most_of_the_reply()
    {
        var big = new Dictionary<string, string> { ["order"] = new('x', 20_000) };
        var data = new EventData { Recipient = "ann@example.net", Tags = ["shipping"], Metadata = big };
        Assert.Equal("shipping,", Kept(data));
        Assert.Equal(",", Kept(data with { Tags = [new string('y', 20_000)] }));
        Assert.Equal(",", Kept(data with { Tags = [new string('y', 20_000)], Reply = new EventReply(550, null, new string('é', 20_000), null) }));
        Assert.Equal("shipping,order", Kept(data with { Metadata = new Dictionary<string, string> { ["order"] = "1001" } }));
    }

    private static string Kept(EventData data)
    {
        var body = Payload.Write(new Event(PrefixedId.New<EventId>(), EventType.MessageBounced, DateTimeOffset.UnixEpoch, PrefixedId.New<TenantId>(), data));
        Assert.True(body.Length < Payload.BytesMax, Encoding.UTF8.GetString(body));
        var kept = JsonSerializer.Deserialize(body, EventJson.Default.Event)!.Data;
        Assert.Equal("ann@example.net", kept.Recipient);
        return string.Join(' ', kept.Tags ?? []) + "," + string.Join(' ', kept.Metadata?.Keys ?? []);
    }
}
