using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Bounces;
using MailApi.Sending;
using MailApi.Suppressions;
using Xunit;

namespace MailApi.Tests.Receiving;

public sealed class FeedbackLoopsTests
{
    private static readonly MessageId Message = PrefixedId.New<MessageId>();
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(value => (byte)value)];
    private readonly FeedbackLoops loops = new(Key, new ReportAddresses(ByMail: true, Token: null));

    private static SendingDomain Domain { get; } = new()
    {
        Id = PrefixedId.New<DomainId>(),
        Tenant = PrefixedId.New<TenantId>(),
        Name = "mail.shop.example",
        State = DomainState.Verified,
        Categories = new HashSet<Category>(),
        RatePerSecond = 1,
        RateBurst = 1,
    };

    [Fact]
    public void A_feedback_id_names_its_message_in_whatever_case_it_comes_back()
    {
        var loop = loops.For(Message, Domain)!;
        Assert.Equal("feedback@bounces.mail.shop.example", loop.Address);
        Assert.Matches("^[a-z2-7]{52}$", loop.FeedbackId);
        foreach (var form in (string[])[loop.FeedbackId, loop.FeedbackId.ToUpperInvariant()])
        {
            Assert.True(loops.TryRead(form, out var read));
            Assert.Equal(Message, read);
        }
    }

    [Fact]
    public void A_feedback_id_altered_in_any_character_is_not_ours()
    {
        var id = loops.FeedbackId(Message);
        for (var at = 0; at < id.Length; at++)
            Assert.False(loops.TryRead(id.Remove(at, 1).Insert(at, id[at] == 'a' ? "q" : "a"), out _), $"character {at}");
        Assert.False(loops.TryRead(id[1..], out _));
        Assert.False(loops.TryRead(id + "a", out _));
        Assert.False(loops.TryRead("", out _));
    }

    [Fact]
    public void A_feedback_id_under_another_key_or_a_token_for_something_else_is_not_ours()
    {
        Assert.False(loops.TryRead(new FeedbackLoops(new byte[32], new ReportAddresses(ByMail: true, Token: null)).FeedbackId(Message), out _));
        Assert.False(loops.TryRead(new UnsubscribeToken(new byte[32]).Mailbox(EnvelopeId.From(Message.Value))[UnsubscribeToken.MailboxPrefix.Length..], out _));
        Assert.False(loops.TryRead(new Verp(Key).Tag(Message.Value, new DateOnly(2026, 11, 30)), out _));
    }

    [Fact]
    public void Where_no_mail_is_taken_a_message_names_no_address() =>
        Assert.Null(new FeedbackLoops(Key, new ReportAddresses(ByMail: false, Token: null)).For(Message, Domain));
}
