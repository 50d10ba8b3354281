using System.Text.Json;
using MailApi.Events;
using MailApi.Mail;

namespace MailApi.Webhooks;

/// <summary>The body of a delivery: the event as the log shows it, below the 20 kB that Standard Webhooks asks for.</summary>
internal static class Payload
{
    public const int BytesMax = 20_000;

    /// <summary>A receiver's reply can run to many lines; this much of it explains any bounce.</summary>
    private const int ReplyCharactersMax = 1_000;

    /// <summary>What an oversized event loses, in this order, until it fits. The log (<c>GET /events</c>) keeps all of it.</summary>
    private static readonly Func<EventData, EventData>[] Reductions =
    [
        data => data with { Metadata = null },
        data => data with { Tags = null },
        data => data with { Reply = data.Reply is { } reply ? reply with { Text = reply.Text.Truncate(ReplyCharactersMax) } : null },
        data => data with { Reason = data.Reason?.Truncate(ReplyCharactersMax) },
    ];

    public static byte[] Write(Event happened)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(happened, EventJson.Default.Event);
        foreach (var reduce in Reductions)
        {
            if (body.Length < BytesMax) break;
            happened = happened with { Data = reduce(happened.Data) };
            body = JsonSerializer.SerializeToUtf8Bytes(happened, EventJson.Default.Event);
        }
        return body;
    }
}
