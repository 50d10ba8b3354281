using MailApi.Testing;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using Xunit;

namespace MailApi.Integration.Tests.Fixtures;

public sealed class PostfixServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Delivers_over_STARTTLS_into_its_maildir_and_refuses_the_unknown()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var postfix = await PostfixServer.StartAsync(new Dictionary<string, string>(), ct);
        using var client = new SmtpClient { ServerCertificateValidationCallback = (_, certificate, _, _) => postfix.Certificate.Equals(certificate) };
        await client.ConnectAsync("127.0.0.1", postfix.Port, SecureSocketOptions.StartTls, ct);

        await client.SendAsync(Message($"ann@{PostfixServer.Domain}", "Grüße 你好"), ct);

        var delivered = await postfix.WaitFor(message => message.Subject == "Grüße 你好", Patience);
        Assert.Contains("TLS", delivered.Headers["Received"], StringComparison.Ordinal);
        Assert.Equal($"ann@{PostfixServer.Domain}", delivered.Headers["Delivered-To"]);
        var unknown = await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message($"missing@{PostfixServer.Domain}", "no"), ct));
        Assert.Equal(550, (int)unknown.StatusCode);
        var relay = await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message("ann@elsewhere.test", "no"), ct));
        Assert.Equal(454, (int)relay.StatusCode);
    }

    private static MimeMessage Message(string to, string subject) => new()
    {
        From = { MailboxAddress.Parse("orders@mail.shop.example") },
        To = { MailboxAddress.Parse(to) },
        Subject = subject,
        Body = new TextPart("plain") { Text = "text\r\n" },
    };
}
