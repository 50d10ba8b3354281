using System.Text;
using MailApi.Mail.Composition;
using MailApi.Mail.Smtp.Submission;
using MimeKit;
using Xunit;

namespace MailApi.Mail.Tests.Submission;

/// <summary>Messages that callers composed: what stays, what goes, what is refused. Text is Latin-1: a character is an octet.</summary>
public sealed class SubmittedMessageTests
{
    private const string Head = "From: ann@shop.example\r\nTo: bob@example.net\r\nDate: Mon, 30 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\nMIME-Version: 1.0\r\n";
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 9, 0, 0, TimeSpan.Zero);

    /// <summary>A body behind <see cref="Head"/> that leaves octet for octet.</summary>
    public static TheoryData<string> Untouched =>
    [
        "\r\n", "\r\ntext\r\n", "\r\n.\r\n..\r\n\r\n\r\n", "Subject: x\r\n\r\ntext \t \r\n", "Subject:   many   blanks\r\n and a fold\r\n\r\n",
        "Content-Type: multipart/signed; boundary=b;\r\n protocol=\"application/pgp-signature\"\r\n\r\n--b\r\n\r\nsigned  \r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\nafter\r\n",
        "Content-Type: multipart/mixed; boundary=missing\r\n\r\nno parts\r\n", "Received: from a by b; Mon, 30 Nov 2026 09:00:00 +0000\r\nX-Mailer: yes\r\nList-Unsubscribe: <mailto:u@shop.example>\r\n\r\ntext\r\n",
    ];

    [Theory]
    [MemberData(nameof(Untouched))]
    public void What_is_7_bit_leaves_octet_for_octet(string rest) => Assert.Equal(Head + rest, Written(Head + rest));

    [Fact]
    public void A_last_line_without_an_end_gets_one() => Assert.Equal(Head + "\r\nno end\r\n", Written(Head + "\r\nno end"));

    [Fact]
    public void What_must_be_encoded_and_has_more_parts_than_mail_has_is_refused_before_it_is_taken_apart()
    {
        var parts = string.Concat(Enumerable.Repeat("--b\r\n\r\n\u00FF\r\n", 100_000));
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(SubmittedMessage.TryRead(Octets(Head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + "--b--\r\n"), out _, out var fault));
        Assert.Contains("parts", fault, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 50 << 20);
    }

    /// <summary>Of parts: none of them can be read as what it is named for.</summary>
    [Theory]
    [InlineData("Content-Disposition: attachment filename=\u00C3\u00A9.pdf")]
    [InlineData("Content-Disposition: \u00C3\u00A9")]
    [InlineData("Content-Type: text \u00C3\u00A9")]
    [InlineData("Content-ID: \u00C3\u00A9 <a@b> c")]
    public void A_field_of_a_part_that_is_neither_readable_nor_7_bit_is_encoded_as_text(string field)
    {
        var written = Written(Head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + field + "\r\n\r\n\u00C3\u00A9\r\n--b--\r\n");
        Assert.True(Ascii.IsValid(written));
        Assert.Contains("\r\n" + field[..field.IndexOf(':', StringComparison.Ordinal)] + ": ", written, StringComparison.Ordinal);
    }

    /// <summary>Fields of a message without them, and the fields that it leaves with besides those of <see cref="Head"/>.</summary>
    public static TheoryData<string, string> Fields => new()
    {
        { "Bcc: x@example.org\r\nBCC: y@example.org\r\n", "" },
        { "Return-Path: <x@example.org>\r\nDelivered-To: x\r\nReceived-SPF: pass\r\nAuthentication-Results: mx; spf=pass\r\n", "" },
        { "DKIM-Signature: v=1; b=\r\n x\r\nDomainKey-Signature: x\r\nARC-Seal: i=1\r\narc-message-signature: x\r\n", "" },
        { "CFBL-Address: fbl@shop.example; report=xarf\r\ncfbl-feedback-id: 1\r\n", "" },
        { "X-MailApi-Category: support\r\nx-mailapi-anything: x\r\nidempotency-key: 1\r\n", "" },
        { "Sender: Ann <ann@shop.example>\r\n", "" },
        { "Sender: robot@shop.example\r\n", "Sender: robot@shop.example\r\n" },
        { "Subject: Gr\u00C3\u00BC\u00C3\u009Fe\r\n", "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n" },
        { "Reply-To: \u00C3\u0084nn <ann@shop.example>, x@example.org\r\n", "Reply-To: =?utf-8?B?w4Rubg==?= <ann@shop.example>, x@example.org\r\n" },
        { "Reply-To: ann@b\u00C3\u00BC\u0063her.example\r\n", "Reply-To: ann@xn--bcher-kva.example\r\n" },
        { "Reply-To: \u00C3\u00A4nn@shop.example\r\n", "Reply-To: \u00C3\u00A4nn@shop.example\r\n" },
        { "X-Note: \u00E5\u008C\u0097\u00E4\u00BA\u00AC\r\n", "X-Note: =?utf-8?B?5YyX5Lqs?=\r\n" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public void Fields_are_kept_rewritten_or_left_out(string given, string left)
    {
        var written = Written(Head + given + "\r\ntext\r\n");
        Assert.EndsWith("\r\n\r\ntext\r\n", written, StringComparison.Ordinal);
        var lines = Unfolded(written).Except(Unfolded(Head)).ToList();
        Assert.Equal(Unfolded(left), lines);
    }

    [Theory]
    [InlineData("From: ann@shop.example\r\n", "ann@shop.example")]
    [InlineData("from:  Ann <Ann@SHOP.example>\r\n", "Ann <Ann@shop.example>")]
    [InlineData("From: \"Ann, Shop\"\r\n <ann@shop.example>\r\n", "\"Ann, Shop\" <ann@shop.example>")]
    [InlineData("From: =?utf-8?Q?=C3=84nn?= <ann@shop.example>\r\n", "Änn <ann@shop.example>")]
    [InlineData("From: \u00C3\u0084nn <ann@shop.example>\r\n", "Änn <ann@shop.example>")]
    [InlineData("From: \"evil@other.example\" <ann@shop.example>\r\n", "\"evil@other.example\" <ann@shop.example>")]
    [InlineData("From: ann@shop.example (Ann)\r\n", "Ann <ann@shop.example>")]
    public void From_is_one_mailbox_and_written_in_one_form(string field, string mailbox)
    {
        Assert.True(SubmittedMessage.TryRead(Octets(field + "\r\ntext\r\n"), out var message, out var fault), fault);
        Assert.Equal(mailbox, message.From.ToString());
        using var mime = MimeMessage.Load(new MemoryStream(message.ToBytes("1", Now, feedbackLoop: null)!), TestContext.Current.CancellationToken);
        Assert.Equal(message.From.Address.ToString(), Assert.Single(mime.From.Mailboxes).Address);
        Assert.Equal("From", mime.Headers[0].Field);
    }

    /// <summary>What is refused, and a word of why.</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { "", "From is missing" },
        { "Subject: x\r\n\r\n", "From is missing" },
        { "From: \r\n\r\n", "no addresses" },
        { "From: ann\r\n\r\n", "From" },
        { "From: ann@shop.example, bob@shop.example\r\n\r\n", "one mailbox" },
        { "From: Shop: ann@shop.example;\r\n\r\n", "one mailbox" },
        { "From: <@other.example:ann@shop.example>\r\n\r\n", "no address" },
        { "From: ann@[127.0.0.1]\r\n\r\n", "no address" },
        { "From: =?utf-8?Q?a=0D=0AX=3A_y?= <ann@shop.example>\r\n\r\n", "no address" },
        { "From: ann@shop.example\r\nFrom: bob@other.example\r\n\r\n", "twice" },
        { "From : ann@shop.example\r\n\r\n", "no field" },
        { " From: ann@shop.example\r\n\r\n", "no field" },
        { "From ann Mon Nov 30\r\nFrom: ann@shop.example\r\n\r\n", "no field" },
        { "From: ann@shop.example\r\nnot a field\r\n\r\n", "Line 2" },
        { "From: ann@shop.example\r\n: x\r\n\r\n", "no field" },
        { "From: ann@shop.example\r\nS\u00FCbject: x\r\n\r\n", "no field" },
        { "From: ann@shop.example\r\nSubject: x\0y\r\n\r\n", "control character" },
        { "From: ann@shop.example\r\nSubject: x\u001By\r\n\r\n", "control character" },
        { "From: ann@shop.example\r\nSubject: \u00FF\r\n\r\n", "not UTF-8" },
        { "From: ann@shop.example\r\nSubject: =?utf-8?Q?a=00b?=\r\n\r\n", "Subject" },
        { "From: ann@shop.example\r\nSubject: =?utf-8?Q?a=0D=0AX=3A_y?=\r\n\r\n", "Subject" },
        { "From: ann@shop.example\r\nSubject: x", "ends within a line" },
        { "From: ann@shop.example\r\nSubject: x\r\nsubject: y\r\n\r\n", "twice" },
        { "From: ann@shop.example\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n", "twice" },
        { "From: ann@shop.example\r\nSender: a@shop.example, b@shop.example\r\n\r\n", "Sender" },
        { "From: ann@shop.example\r\nTo: \u00C3\u00A4\r\n\r\n", "To" },
        { "From: ann@shop.example\r\nresent-to: x@example.org\r\n\r\n", "another sender" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_two_readers_could_take_differently_is_refused(string message, string why)
    {
        Assert.False(SubmittedMessage.TryRead(Octets(message), out _, out var fault));
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Header_and_loop_have_a_bound()
    {
        Assert.False(SubmittedMessage.TryRead(Octets(Head + string.Concat(Enumerable.Repeat("X-Y: z\r\n", 500)) + "\r\n"), out _, out var fields));
        Assert.Contains("500 fields", fields, StringComparison.Ordinal);
        Assert.False(SubmittedMessage.TryRead(Octets(Head + "X-Y: z\r\n" + string.Concat(Enumerable.Repeat(" " + new string('y', 900) + "\r\n", 300)) + "\r\n"), out _, out var octets));
        Assert.Contains("262144 octets", octets, StringComparison.Ordinal);
        Assert.False(SubmittedMessage.TryRead(Octets(string.Concat(Enumerable.Repeat("Received: x\r\n", 101)) + Head + "\r\n"), out _, out var loop));
        Assert.Contains("circle", loop, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_is_added()
    {
        using var mime = MimeMessage.Load(new MemoryStream(Octets(Written("From: ann@shop.example\r\n\r\ntext\r\n"))), TestContext.Current.CancellationToken);
        Assert.Equal(("1@shop.example", Now, new Version(1, 0)), (mime.MessageId, mime.Date, mime.MimeVersion));
        Assert.Equal("undisclosed-recipients:;", mime.Headers[HeaderId.To]);
    }

    /// <summary>What is not 7-bit, and the text that a reader finds.</summary>
    public static TheoryData<string, string> EightBit => new()
    {
        { "\r\nStra\u00C3\u009F\u0065\r\n", "Straße\r\n" },
        { "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nStra\u00DF\u0065\r\n", "Straße\r\n" },
        { "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "\u00E5\u008C\u0097\u00E4\u00BA\u00AC\r\n", "北京\r\n" },
        { "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u00C3\u00A4\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>a</p>\r\n--b--\r\n", "ä" },
    };

    [Theory]
    [MemberData(nameof(EightBit))]
    public void What_is_not_7_bit_is_encoded_and_reads_the_same(string rest, string text)
    {
        var written = Written(Head + rest);
        Assert.True(Ascii.IsValid(written));
        using var mime = MimeMessage.Load(new MemoryStream(Octets(written)), TestContext.Current.CancellationToken);
        Assert.Equal(text, mime.TextBody!.ReplaceLineEndings("\r\n"));
        Assert.StartsWith(Head, written, StringComparison.Ordinal);
    }

    [Fact]
    public void Octets_that_are_signed_are_never_encoded()
    {
        const string signed = "Content-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nStra\u00DF\u0065\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n";
        Assert.True(SubmittedMessage.TryRead(Octets(Head + signed), out var message, out _));
        Assert.Null(message.ToBytes("1", Now, feedbackLoop: null));
    }

    [Fact]
    public void Where_complaints_go_is_the_services_to_say()
    {
        var written = Written(Head + "CFBL-Address: fbl@shop.example\r\nCFBL-Feedback-ID: 1\r\n\r\ntext\r\n", new FeedbackLoop("feedback@bounces.shop.example", "abc"));
        Assert.Equal(["CFBL-Address: feedback@bounces.shop.example; report=arf", "CFBL-Feedback-ID: abc"], Unfolded(written).Except(Unfolded(Head)));
    }

    private static string Written(string message, FeedbackLoop? feedbackLoop = null)
    {
        Assert.True(SubmittedMessage.TryRead(Octets(message), out var read, out var fault), fault);
        return Encoding.Latin1.GetString(read.ToBytes("1", Now, feedbackLoop)!);
    }

    private static List<string> Unfolded(string header) =>
        [.. header.Split("\r\n\r\n")[0].Replace("\r\n ", " ", StringComparison.Ordinal).Split("\r\n", StringSplitOptions.RemoveEmptyEntries)];

    private static byte[] Octets(string text) => Encoding.Latin1.GetBytes(text);
}
