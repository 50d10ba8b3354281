using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Testing;
using MimeKit;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Thousand_orders(Worlds worlds, ITestOutputHelper output)
{
    private const string Domain = "mail.demo.example";
    private const int Recipients = 1270;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory(DisableParallelization = true), InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Every_recipient_of_every_order_gets_its_mail_once_whole_and_signed(Mode mode)
    {
        var world = await worlds.Shared(mode);
        if (mode == Mode.Embedded) await FreeDomain(world);
        var shop = await world.NewShop(domain: Domain, webhook: false);
        var key = shop.Live.DefaultRequestHeaders.Authorization!.Parameter!;
        var started = TimeProvider.System.GetTimestamp();
        var script = Path.Combine(Repository.Root, "tests/testdata/send-orders.sh");
        Assert.Equal("1000 answered 202\n", await Command.RunAsync(new Launch("bash", script, world.Api.BaseAddress.ToString(), key), CancellationToken.None));
        var accepted = TimeProvider.System.GetElapsedTime(started);

        await Eventually.HoldsAsync(
            async () => !(await world.Api.Admin.GetStringAsync("/queue")).Contains($"\"{Domain}\"", StringComparison.Ordinal), Patience, "nothing of it waits", CancellationToken.None);
        var arrived = world.Sink.Messages.Where(it => it.MailFrom.EndsWith($"@bounces.{Domain}", StringComparison.Ordinal)).ToList();
        output.WriteLine($"{mode}: 1000 accepted after {accepted.TotalSeconds:0.0} s, {arrived.Count} arrived after {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s");

        var expected = Repository.Orders().SelectMany(Expected).ToDictionary(it => it.Recipient);
        Assert.Equal(Recipients, expected.Count);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), arrived.Select(it => it.Recipient).Order(StringComparer.Ordinal));
        Assert.All(arrived, mail => Assert.Equal(expected[mail.Recipient], Arrived(mail)));
        var verdicts = await Dkimpy.VerifyAsync(await shop.DkimKeys(), arrived.Select(it => it.Bytes), CancellationToken.None);
        Assert.Equal((Recipients, Recipients), (verdicts.Count, verdicts.Count(it => it == "pass")));
    }

    /// <summary>The demo of a first start has the domain; its key may give it up.</summary>
    private static async Task FreeDomain(World world)
    {
        using var demo = world.Api.WithKey((await File.ReadAllTextAsync(Path.Combine(world.Api.DataDirectory, "quickstart-test-key"))).Trim());
        var domain = (await World.Json(await demo.GetAsync("/domains"))).GetProperty("items")[0];
        using var removed = await demo.DeleteAsync($"/domains/{domain.GetProperty("id").GetString()}");
        Assert.True(removed.IsSuccessStatusCode, await removed.Content.ReadAsStringAsync());
    }

    private static IEnumerable<Mail> Expected(string line)
    {
        var order = JsonDocument.Parse(line).RootElement;
        var attachments = order.TryGetProperty("attachments", out var list)
            ? string.Join(' ', list.EnumerateArray().Select(it => Hash(it.GetProperty("content").GetBytesFromBase64())).Order(StringComparer.Ordinal))
            : "";
        return from field in (string[])["to", "cc", "bcc"]
               where order.TryGetProperty(field, out _)
               from address in order.GetProperty(field).EnumerateArray()
               select new Mail(MailboxAddress.Parse(address.GetString()!).Address, order.GetProperty("subject").GetString()!, Text(order, "text"), Text(order, "html"), attachments);
    }

    private static Mail Arrived(SinkMessage message)
    {
        using var mime = message.Mime;
        var parts = mime.BodyParts.OfType<MimePart>().Where(part => part.IsAttachment || part.ContentId is not null).Select(Content);
        return new Mail(message.Recipient, mime.Subject ?? "", Lines(mime.TextBody), Lines(mime.HtmlBody), string.Join(' ', parts.Select(Hash).Order(StringComparer.Ordinal)));
    }

    private static string? Text(JsonElement order, string member) => order.TryGetProperty(member, out var text) ? Lines(text.GetString()) : null;

    /// <summary>A body ends with a line end on the way, whether it had one or not.</summary>
    private static string? Lines(string? body) => body?.ReplaceLineEndings("\n").TrimEnd('\n');

    private static byte[] Content(MimePart part)
    {
        using var content = new MemoryStream();
        part.Content?.DecodeTo(content);
        return content.ToArray();
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>What must be the same at both ends; attachments as hashes.</summary>
    private sealed record Mail(string Recipient, string Subject, string? Text, string? Html, string Attachments);
}
