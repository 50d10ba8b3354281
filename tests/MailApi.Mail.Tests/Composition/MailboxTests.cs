using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Mail.Tests.Composition;

public class MailboxTests
{
    [Theory]
    [InlineData("ann@example.net", null, "ann@example.net")]
    [InlineData("<ann@example.net>", null, "ann@example.net")]
    [InlineData(" ann@example.net ", null, "ann@example.net")]
    [InlineData("Ann <ann@example.net>", "Ann", "ann@example.net")]
    [InlineData("Ann<ann@example.net>", "Ann", "ann@example.net")]
    [InlineData("Example Shop <orders@mail.shop.example>", "Example Shop", "orders@mail.shop.example")]
    [InlineData("\"Li, Ann\" <a@b.example>", "Li, Ann", "a@b.example")]
    [InlineData("\"Ann \\\"A\\\" \\\\ Li\" <a@b.example>", "Ann \"A\" \\ Li", "a@b.example")]
    [InlineData("\"a <x@y.example>\" <a@b.example>", "a <x@y.example>", "a@b.example")]
    [InlineData("Ann \"the\" Li <a@b.example>", "Ann the Li", "a@b.example")]
    [InlineData("Dr. Ann O'Li <a@b.example>", "Dr. Ann O'Li", "a@b.example")]
    [InlineData("李安 <a@b.example>", "李安", "a@b.example")]
    [InlineData("Ann 🚀 <a@例子.中国>", "Ann 🚀", "a@xn--fsqu00a.xn--fiqs8s")]
    [InlineData("=?utf-8?B?QQ==?= <a@b.example>", "=?utf-8?B?QQ==?=", "a@b.example")]
    [InlineData("Ann <\"a>b\"@c.example>", "Ann", "\"a>b\"@c.example")]
    [InlineData("\"\" <a@b.example>", null, "a@b.example")]
    public void A_mailbox_is_read_into_name_and_address_and_prints_what_it_reads(string text, string? name, string address)
    {
        Assert.True(Mailbox.TryParse(text, out var mailbox));
        Assert.Equal(name, mailbox.DisplayName);
        Assert.Equal(address, mailbox.Address.ToString());
        Assert.True(Mailbox.TryParse(mailbox.ToString(), out var again));
        Assert.Equal(mailbox, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Ann")]
    [InlineData("Ann <>")]
    [InlineData("Ann <a@b.example> x")]
    [InlineData("Ann <a@b.example>>")]
    [InlineData("Ann < a@b.example>")]
    [InlineData("Ann <<a@b.example>>")]
    [InlineData("a@b.example>")]
    [InlineData("a@b.example, c@d.example")]
    [InlineData("Ann <a@b.example>, Bo <c@d.example>")]
    [InlineData("a@b.example <c@d.example>")]
    [InlineData("Li, Ann <a@b.example>")]
    [InlineData("Friends: a@b.example;")]
    [InlineData("Friends: Ann <a@b.example>;")]
    [InlineData("undisclosed-recipients:;")]
    [InlineData("Ann (home) <a@b.example>")]
    [InlineData("\"Ann <a@b.example>")]
    [InlineData("\"Ann\\\" <a@b.example>")]
    [InlineData("Ann <@relay.example:a@b.example>")]
    [InlineData("Ann\r\nBcc: x@y.example <a@b.example>")]
    [InlineData("\"Ann\r\nBcc: x@y.example\" <a@b.example>")]
    [InlineData("Ann\u2028 <a@b.example>")]
    [InlineData("Ann\u0085 <a@b.example>")]
    [InlineData("Ann\0 <a@b.example>")]
    public void What_is_no_single_mailbox_is_refused(string? text) => Assert.False(Mailbox.TryParse(text, out _));
}
