using MailApi.Api;
using MailApi.Domains;
using Xunit;

namespace MailApi.Tests.Domains;

public sealed class JudgementTests
{
    private static readonly byte[] Public = [1, 2, 3];

    [Fact]
    public void A_domain_is_complete_when_every_required_record_was_seen()
    {
        var domain = With(Key("ma1", KeyState.Active));

        Assert.True(Judgement.Of(domain, Seen(domain)).IsComplete);
        Assert.False(Judgement.Of(domain, new Observations()).IsComplete);
        Assert.False(Judgement.Of(domain, new Observations()).IsGone);
    }

    [Theory]
    [InlineData("_mailapi.mail.shop.example")]
    [InlineData("bounces.mail.shop.example")]
    [InlineData("ma1._domainkey.mail.shop.example")]
    public void A_required_record_that_is_missing_is_gone_and_named(string name)
    {
        var domain = With(Key("ma1", KeyState.Active));

        var judgement = Judgement.Of(domain, Seen(domain, name, RecordState.Missing));

        Assert.True(judgement.IsGone);
        Assert.False(judgement.IsComplete);
        Assert.Contains(name, judgement.Reason!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mail.shop.example")]
    [InlineData("_dmarc.mail.shop.example")]
    [InlineData("track.mail.shop.example")]
    public void What_is_not_required_stops_nothing(string name)
    {
        var domain = With(Key("ma1", KeyState.Active));

        Assert.True(Judgement.Of(domain, Seen(domain, name, RecordState.Missing)).IsComplete);
    }

    [Fact]
    public void What_could_not_be_looked_up_is_neither_there_nor_gone()
    {
        var domain = With(Key("ma1", KeyState.Active));

        var judgement = Judgement.Of(domain, Seen(domain, "ma1._domainkey.mail.shop.example", RecordState.Missing, isUncertain: true));

        Assert.False(judgement.IsGone);
        Assert.False(judgement.IsComplete);
        Assert.Empty(judgement.Active);
    }

    [Fact]
    public void A_pending_key_that_has_appeared_stands_for_the_lost_one()
    {
        var domain = With(Key("ma1", KeyState.Active), Key("ma2", KeyState.Pending));

        var judgement = Judgement.Of(domain, Seen(domain, "ma1._domainkey.mail.shop.example", RecordState.Missing));

        Assert.True(judgement.IsComplete);
        Assert.Equal(["ma2"], judgement.Appeared);
        Assert.Equal([("ma1", true)], judgement.Active);
    }

    [Fact]
    public void An_Ed25519_key_alone_does_not_carry_a_domain()
    {
        var domain = With(Key("ma1", KeyState.Active), Key("mae1", KeyState.Active) with { Algorithm = KeyAlgorithm.Ed25519 });

        Assert.True(Judgement.Of(domain, Seen(domain, "mae1._domainkey.mail.shop.example", RecordState.Missing)).IsComplete);
        Assert.True(Judgement.Of(domain, Seen(domain, "ma1._domainkey.mail.shop.example", RecordState.Missing)).IsGone);
    }

    private static Observations Seen(Domain domain, string? name = null, RecordState state = RecordState.Ok, bool isUncertain = false) => new()
    {
        Records = [.. DomainRecords.For(domain, new DomainOptions()).Select(record => new Observation
        {
            Type = record.Type,
            Name = record.Name,
            State = record.Name == name ? state : RecordState.Ok,
            IsUncertain = record.Name == name && isUncertain,
        })],
    };

    private static DkimKey Key(string selector, KeyState state) =>
        new() { Selector = selector, Algorithm = KeyAlgorithm.Rsa, State = state, Public = Public, CreatedAt = DateTimeOffset.UnixEpoch };

    private static Domain With(params IReadOnlyList<DkimKey> keys) => new()
    {
        Id = PrefixedId.New<DomainId>(),
        Tenant = PrefixedId.New<TenantId>(),
        Name = "mail.shop.example",
        State = DomainState.Verified,
        Verification = Verification.Dns,
        Categories = [Category.Notification],
        Rate = SendingRate.Default,
        OwnershipToken = "token",
        CreatedAt = DateTimeOffset.UnixEpoch,
        CheckedAt = null,
        Keys = keys,
    };
}
