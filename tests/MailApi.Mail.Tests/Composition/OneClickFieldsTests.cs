using System.Text;
using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Mail.Tests.Composition;

public sealed class OneClickFieldsTests
{
    private const string Post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
    private const string Ours = "List-Unsubscribe: <https://track.example/u/1>\r\n" + Post;

    [Theory]
    [InlineData("List-Unsubscribe: <https://shop.example/u>\r\n" + Post)]
    [InlineData("list-unsubscribe: <mailto:u@shop.example>,\r\n <https://shop.example/u?ids=1,2>\r\nLIST-UNSUBSCRIBE-POST:list-unsubscribe=one-click\r\n")]
    [InlineData("List-Unsubscribe: (Leave) <https://shop.example/\r\n u> (any time)\r\n" + Post)]
    public void What_offers_one_click_stays_as_it_is(string fields) =>
        Assert.Null(OneClickFields.Ensure(Encoding.ASCII.GetBytes("Subject: Hi\r\n" + fields + "\r\nHello\r\n"), () => throw new InvalidOperationException("Not needed.")));

    [Theory]
    [InlineData("")]
    [InlineData("List-Unsubscribe: no\r\n" + Post)]
    [InlineData("List-Unsubscribe: <https://shop.example/u>\r\n")]
    [InlineData(Post)]
    [InlineData("List-Unsubscribe: <https://shop.example/u>\r\nList-Unsubscribe-Post: yes\r\n")]
    [InlineData("List-Unsubscribe: <http://shop.example/u>,\r\n <mailto:u@shop.example>\r\n" + Post)]
    [InlineData("List-Unsubscribe: https://shop.example/u\r\n" + Post)]
    [InlineData("List-Unsubscribe: <https://shop.example/u>\r\nList-Unsubscribe: <https://shop.example/v>\r\n" + Post)]
    public void What_offers_less_gives_way_and_the_rest_stays_octet_for_octet(string fields)
    {
        var completed = OneClickFields.Ensure(Encoding.ASCII.GetBytes("Subject: Hi\r\n" + fields + "X-Note: a\r\n\tb\r\n\r\nList-Unsubscribe: text\r\n"), () => Encoding.ASCII.GetBytes(Ours));

        Assert.Equal(Ours + "Subject: Hi\r\nX-Note: a\r\n\tb\r\n\r\nList-Unsubscribe: text\r\n", Encoding.ASCII.GetString(completed!));
    }
}
