using System.Text;
using System.Text.Json;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Testing;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>S-03: a body ends its own message at the receiver and smuggles another one behind it, or breaks its signature on the way.</summary>
public sealed class SmugglingTests(TestHost host)
{
    /// <summary>A transmitter or a receiver that works in blocks has its seams here.</summary>
    private const int Block = 4096;

    private const string Smuggled = "\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";

    private static readonly string[] Sequences =
    [
        "\r.\r", "\n.\n", "\r\n.\r", "\r\n.\n", "\n.\r\n", "\r\n.\r\n", "\r.\r\n", "\n\n.\r\n", "\r\n..\r\n", "\r\n\0.\r\n", "\r\r\n.\r\r\n", ".",
    ];

    [Fact]
    public async Task Whatever_the_body_holds_at_a_seam_one_message_arrives_whole_and_signed()
    {
        var tenant = await host.NewTenant();
        var domain = await TestHost.Json(await tenant.Live.GetAsync($"/domains/{tenant.DomainId}"));
        var key = domain.GetProperty("records").EnumerateArray().Single(record => record.GetProperty("purpose").GetString() == "dkim");
        // Where the body begins on the wire: everything before it has the same length each time.
        var lead = BodyStart((await Deliver(tenant, "x")).Bytes);
        var mails = new List<(string Name, string Text, Task<SinkMessage> Arrival)>();
        foreach (var sequence in Sequences)
            foreach (var seam in new[] { Block - 1, Block, Block + 1 })
                foreach (var offset in new[] { seam, seam - lead })
                {
                    var text = Filler(offset) + sequence + Smuggled;
                    mails.Add(($"{JsonSerializer.Serialize(sequence)} at {offset}", text, Deliver(tenant, text)));
                }

        var wrong = new List<string>();
        foreach (var (name, text, arrival) in mails)
        {
            var arrived = await arrival;
            var verdict = Assert.Single(await Verifier.Verify(arrived.Bytes, (selector, signer, _) => Task.FromResult(Record(key, selector, signer)), CancellationToken.None));
            if (verdict.Result != AuthenticationResult.Pass) wrong.Add($"{name}: {verdict.Reason}");
            if (arrived.HasStrayLineEnd) wrong.Add($"{name}: a stray CR or LF");
            if (arrived.Bytes.Any(octet => octet > 127)) wrong.Add($"{name}: not 7-bit");
            if (Lines(arrived.Mime.TextBody!) != Lines(text)) wrong.Add($"{name}: changed on the way");
        }
        Rule.Holds(wrong);
        var kept = host.Sink.Messages.Where(message => message.MailFrom.EndsWith(tenant.Domain, StringComparison.Ordinal)).ToList();
        Assert.Equal(mails.Count + 1, kept.Count);
        Assert.DoesNotContain(host.Sink.Messages, message => message.Recipient == "victim@example.net" || message.MailFrom == "a@b.example");
    }

    private async Task<SinkMessage> Deliver(TestTenant tenant, string text)
    {
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        mail["text"] = text;
        await tenant.Send(mail);
        return await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
    }

    /// <summary>Lines of 64 octets, none of which a transfer encoding changes, and a shorter one: so many octets in all.</summary>
    private static string Filler(int octets)
    {
        var text = new StringBuilder();
        while (octets - text.Length > 64) text.Append('a', 62).Append("\r\n");
        return text.Append('b', octets - text.Length).ToString();
    }

    private static int BodyStart(byte[] message) => message.AsSpan().IndexOf("\r\n\r\n"u8) + 4;

    private static string? Record(JsonElement key, string selector, string domain) =>
        key.GetProperty("name").GetString() == $"{selector}._domainkey.{domain}" ? key.GetProperty("value").GetString() : null;

    /// <summary>Each CRLF, CR and LF was one line end; the last line has one too.</summary>
    private static string Lines(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').TrimEnd('\n');
}
