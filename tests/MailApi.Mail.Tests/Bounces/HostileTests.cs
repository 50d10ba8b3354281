using System.Text;
using MailApi.Mail.Bounces;
using MailApi.Testing.Fuzzing;
using Xunit;

namespace MailApi.Mail.Tests.Bounces;

/// <summary>S-23, S-25: returned mail that is made to exhaust its reader. Each is read, soon, and as no more than it is.</summary>
public sealed class HostileTests
{
    private const string Head = "From: MAILER-DAEMON@evil.example\r\nTo: x@bounces.mail.shop.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n";
    private const string Report = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n";

    /// <summary>Of the processor's time: far above what any of them takes, and far below what a quadratic way of reading would.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, Func<string>> Messages = new()
    {
        ["depth 5,000"] = () => Head + string.Concat(Enumerable.Range(0, 5000).Select(n => $"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")) + Report,
        ["messages in messages"] = () => Head + string.Concat(Enumerable.Repeat("Content-Type: message/rfc822\r\n\r\n", 5000)) + Report,
        ["100,000 parts"] = () => Multipart(string.Concat(Enumerable.Repeat("--b\r\n\r\nx\r\n", 100_000)) + "--b\r\n" + Report),
        ["a million header lines"] = () => Head + string.Concat(Enumerable.Repeat("a:\r\n", 1_000_000)),
        ["a header folded a million times"] = () => Head + "X: a\r\n" + string.Concat(Enumerable.Repeat(" b\r\n", 1_000_000)) + "\r\nx",
        ["a header of 10 MB"] = () => $"Subject: {new string('x', 10_000_000)}\r\n\r\n",
        ["a part's header folded 100,000 times"] = () => Multipart($"--b\r\nContent-Type: text/plain{string.Concat(Enumerable.Repeat(";\r\n b=c", 100_000))}\r\n\r\nx\r\n"),
        ["a body line of 20 MB"] = () => $"{Head}\r\n{new string('x', 20_000_000)}\r\n",
        ["30 MB of text"] = () => Head + "\r\n" + string.Concat(Enumerable.Repeat("<a@b.example>: 550 5.1.1 x\r\n\r\n", 1_000_000)),
        ["a report of 5 MB"] = () => Multipart("--b\r\nContent-Type: message/delivery-status\r\n\r\n" + string.Concat(Enumerable.Repeat("Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", 70_000))),
        ["a diagnosis without end"] = () => Multipart("--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 x\r\n" + string.Concat(Enumerable.Repeat(" 550-5.1.1 x\r\n", 200_000))),
        ["addresses without end"] = () => Head + "X-Failed-Recipients: " + string.Concat(Enumerable.Repeat("a@b.example,\r\n ", 5_000)) + "\r\n\r\nx",
        ["at signs without end"] = () => Head + "\r\n" + string.Concat(Enumerable.Repeat("@.@.", 100_000)),
        ["tags without end"] = () => Head + "Content-Type: text/html\r\n\r\n" + string.Concat(Enumerable.Repeat("<!-- <style> <p", 100_000)),
        ["tags in tags"] = () => Head + "Content-Type: text/html\r\n\r\n" + string.Concat(Enumerable.Repeat("<style></style><script></script><div>", 50_000)),
        ["encoded words without end"] = () => Head.Replace("Subject: ", "Subject: " + string.Concat(Enumerable.Repeat("=?gbk?B?", 5_000)), StringComparison.Ordinal) + "\r\nx",
        ["comments in comments"] = () => Head.Replace("To: ", "To: " + new string('(', 15_000), StringComparison.Ordinal) + "\r\nx",
        ["base64 without sense"] = () => Multipart($"--b\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n{string.Concat(Enumerable.Repeat("====\r\n", 500_000))}"),
        ["links without end"] = () => Multipart("--b\r\n" + Report + "--b\r\nContent-Type: message/rfc822\r\n\r\nList-Unsubscribe: " + string.Concat(Enumerable.Repeat("<https://a.example>,\r\n ", 5_000)) + "\r\n\r\nx"),
    };

    public static TheoryData<string> Names => [.. Messages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_is_read_soon(string name)
    {
        var message = Encoding.UTF8.GetBytes(Messages[name]());
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = ThreadTime.Now;

        var returned = ReturnedMail.Read(message);

        var taken = ThreadTime.Now - began;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.True(taken < Patience, $"{taken}");
        Assert.True(allocated < 64 << 20, $"{allocated:N0} bytes for {message.Length:N0} octets");
        Assert.InRange(returned.About.ReturnPaths.Count, 0, 20);
        Assert.InRange(returned.About.Unsubscribe.Count, 0, 10);
        if (returned is Returned.Status status) Assert.InRange(status.Recipients.Count, 1, 100);
    }

    /// <summary>Every reading of a paragraph allocates, so what is allocated tells how often they are read, whatever else the machine does.</summary>
    [Theory]
    [InlineData("X-Failed-Recipients: {0}@gone.example", ", {0}@gone.example", "\r\n\r\n", "This says nothing of anybody, {0}.\r\n\r\n")]
    [InlineData("X-Failed-Recipients: {0}@gone.example", ", {0}@gone.example", "\r\n\r\n", "This speaks of {0}@gone.example and no more.\r\n\r\n")]
    [InlineData("Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n", "Final-Recipient: rfc822; {0}@gone.example\r\nAction: failed\r\nStatus: 5.0.0\r\n\r\n",
        "--b\r\n\r\n", "Here are 00@gone.example, 10@gone.example, 19@gone.example, 23@gone.example, 37@gone.example and 99@gone.example.\r\n\r\n")]
    public void What_a_text_says_is_read_in_time_linear_in_its_size_however_many_recipients_are_named(string begin, string recipient, string between, string paragraph)
    {
        var (one, all) = (Allocated(1), Allocated(100));
        Assert.True(all < 3 * one + (2 << 20), $"{one:N0} bytes for one recipient, {all:N0} for 100");

        long Allocated(int recipients)
        {
            var message = Encoding.ASCII.GetBytes(Head + Of(begin, 0) + string.Concat(Enumerable.Range(0, recipients).Select(n => Of(recipient, n))) + between
                + string.Concat(Enumerable.Range(0, 200).Select(n => Of(paragraph, n % 100))));
            var status = Assert.IsType<Returned.Status>(ReturnedMail.Read(message));
            Assert.Equal(recipients, status.Recipients.Count);
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            ReturnedMail.Read(message);
            return GC.GetAllocatedBytesForCurrentThread() - allocated;
        }

        static string Of(string text, int n) => text.Replace("{0}", $"{n:00}", StringComparison.Ordinal);
    }

    [Fact]
    public void What_comes_before_a_bound_is_read_and_what_comes_after_is_not()
    {
        const string More = "--b\r\n\r\nx\r\n";
        var first = ReturnedMail.Read(Encoding.ASCII.GetBytes(Multipart("--b\r\n" + Report + string.Concat(Enumerable.Repeat(More, 1000)))));
        var last = ReturnedMail.Read(Encoding.ASCII.GetBytes(Multipart(string.Concat(Enumerable.Repeat(More, 1000)) + "--b\r\n" + Report)));

        Assert.Equal("a@b.example", Assert.IsType<Returned.Status>(first).Recipients[0].FinalRecipient);
        Assert.DoesNotContain(Assert.IsType<Returned.Status>(last).Recipients, recipient => recipient.FinalRecipient == "a@b.example");
    }

    [Fact]
    public void The_name_of_the_reporter_is_read_once_however_many_recipients_it_reports()
    {
        var message = Encoding.ASCII.GetBytes(Multipart("--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; " + string.Concat(Enumerable.Repeat("a ", 8_000)) + "\r\n\r\n"
            + string.Concat(Enumerable.Repeat("Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", 100))));
        // What is made once for all messages is made by then.
        ReturnedMail.Read(message);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(100, Assert.IsType<Returned.Status>(ReturnedMail.Read(message)).Recipients.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 6 << 20);
    }

    [Fact]
    public void Any_beginning_of_a_message_is_read()
    {
        foreach (var file in Directory.GetFiles(TestData.At("returned"), "*.eml").Where((_, index) => index % 10 == 0))
        {
            var message = File.ReadAllBytes(file).AsMemory();
            for (var length = 0; length < message.Length; length += 1 + message.Length / 200) Assert.NotNull(ReturnedMail.Read(message[..length]));
        }
    }

    private static string Multipart(string parts) => Head + "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" + parts;
}
