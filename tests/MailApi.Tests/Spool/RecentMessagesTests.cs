using MailApi.Api;
using MailApi.Spool;

namespace MailApi.Tests.Spool;

public sealed class RecentMessagesTests
{
    private static readonly ClaimedMessage Message = new("mail.shop.example", OnUncertain.Hold, RequireTls: true, Size: 100, new byte[100]);

    [Fact]
    public void A_message_is_given_away_as_often_as_it_was_rung()
    {
        var (recent, id) = (new RecentMessages(1000), PrefixedId.New<MessageId>());
        recent.Keep(id, Message, claims: 2);
        Assert.Equal([Message, Message, null], [recent.Take(id), recent.Take(id), recent.Take(id)]);
    }

    [Fact]
    public void The_oldest_gives_way_and_what_is_too_large_is_not_kept()
    {
        var recent = new RecentMessages(250);
        var ids = Enumerable.Range(0, 3).Select(_ => PrefixedId.New<MessageId>()).ToList();
        foreach (var id in ids) recent.Keep(id, Message, claims: 1);
        Assert.Equal([null, Message, Message], ids.Select(recent.Take));

        recent.Keep(ids[0], Message with { Size = 251, Content = new byte[251] }, claims: 1);
        recent.Keep(ids[1], Message with { Content = null }, claims: 1);
        Assert.Equal([null, null], [recent.Take(ids[0]), recent.Take(ids[1])]);
    }

    [Fact]
    public void Those_that_were_given_away_keep_no_place()
    {
        var recent = new RecentMessages(100);
        for (var count = 0; count < 10_000; count++)
        {
            var id = PrefixedId.New<MessageId>();
            recent.Keep(id, Message, claims: 1);
            Assert.Same(Message, recent.Take(id));
        }
    }

    [Fact]
    public void A_process_that_does_not_deliver_keeps_none()
    {
        var (recent, id) = (new RecentMessages(0), PrefixedId.New<MessageId>());
        recent.Keep(id, Message, claims: 1);
        Assert.Null(recent.Take(id));
    }
}
