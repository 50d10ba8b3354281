using MailApi.Mail.Preflight;
using Xunit;

namespace MailApi.Mail.Tests.Preflight;

public class ConfusablesTests
{
    [Theory]
    [InlineData("paypal.com", "p\u0430ypal.com")] // Cyrillic a
    [InlineData("paypal.com", "xn--pypal-4ve.com")]
    [InlineData("paypal.com", "paypa1.com")]
    [InlineData("shop.example", "sh0p.example")]
    [InlineData("shop.example", "sh\u03BFp.example")] // Greek omicron
    [InlineData("shop.example", "sh\u1ECDp.example")] // o with a dot below
    [InlineData("modern.example", "modem.example")]
    [InlineData("vvine.example", "wine.example")]
    [InlineData("scope.example", "\u0455\u0441\u043E\u0440\u0435.example")] // all Cyrillic
    [InlineData("SHOP.example", "\u0455hop.example")]
    [InlineData("microsoft.example", "rnicrosoft.example")]
    public void Alike(string a, string b)
    {
        Assert.True(Confusables.LooksLike(a, b));
        Assert.True(Confusables.LooksLike(b, a));
    }

    [Theory]
    [InlineData("shop.example", "shop.example")]
    [InlineData("shop.example", "SHOP.example")]
    [InlineData("shop.example", "shops.example")]
    [InlineData("shop.example", "shop.test")]
    [InlineData("例子.example", "例字.example")]
    [InlineData("xn--fsqu00a.example", "例子.example")] // the same name
    [InlineData("мир.example", "mup.example")]
    [InlineData("xn--.example", "xn--a.example")]
    public void Not_alike(string a, string b) => Assert.False(Confusables.LooksLike(a, b));

    [Theory]
    [InlineData("Your p\u0430ypal receipt", "p\u0430ypal")]
    [InlineData("\u0421Сбербaнк", "\u0421Сбербaнк")] // Latin a in a Russian word
    [InlineData("\u0391pple", "\u0391pple")] // Greek capital alpha
    public void A_word_of_two_alphabets_is_found(string text, string word) => Assert.Equal(word, Confusables.MixedWord(text));

    [Theory]
    [InlineData("Ваш заказ 1027 отправлен: USB-кабель, SMSы, 5 μm, 10 kΩ, π")]
    [InlineData("您的订单 iPhone15手机壳 已发货")]
    [InlineData("Grüße aus Köln, Ελλάδα, Москва")]
    [InlineData("")]
    public void Words_of_one_alphabet_and_usual_mixtures_are_let_be(string text) => Assert.Null(Confusables.MixedWord(text));
}
