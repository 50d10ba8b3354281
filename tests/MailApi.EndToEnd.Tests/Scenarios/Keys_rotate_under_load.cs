using System.Collections.Concurrent;
using System.Text.Json;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

[Trait("Takes", "minutes")]
public sealed class Keys_rotate_under_load(Worlds worlds, ITestOutputHelper output)
{
    private const string Origin = "rotating.test";
    private const int Lanes = 6;

    /// <summary>Messages that leave within every phase of a rotation, at least.</summary>
    private const int PerPhase = 30;
    private const int SampleSize = 60;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task Every_message_of_two_rotations_verifies_on_receipt_and_a_day_later(Mode mode)
    {
        var world = await worlds.Zoned(mode);
        var tenant = await world.NewPublisher(Origin);
        Assert.Equal(["ma1 active"], Publisher.Keys(await tenant.PublishAndVerify()));

        var received = new ConcurrentQueue<SinkMessage>();
        using var enough = new CancellationTokenSource();
        var flow = Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => Flow(tenant, lane, received, enough.Token)));
        await Rotate(tenant, "rsa", ["ma1 active", "ma2 pending"], ["ma1 retiring", "ma2 active"], received, flow);
        await Rotate(tenant, "ed25519", ["ma1 retiring", "ma2 active", "mae1 pending"], ["ma1 retiring", "ma2 active", "mae1 active"], received, flow);
        await Rotate(tenant, "rsa", ["ma1 retiring", "ma2 active", "mae1 active", "ma3 pending"], ["ma1 retiring", "ma2 retiring", "mae1 active", "ma3 active"], received, flow);
        await enough.CancelAsync();
        await flow;

        List<SinkMessage> all = [.. received];
        output.WriteLine($"{mode}: {all.Count} messages");
        Assert.All(await Task.WhenAll(all.Select(mail => Verify(mail, world.Dns, new Later(Day)))), Passes);
        Assert.Equal(["ma1", "ma2", "ma2 mae1", "ma3 mae1"], all.Select(mail => string.Join(' ', Selectors(mail))).Distinct().Order(StringComparer.Ordinal));
        var sample = all.Where((_, index) => index % Math.Max(1, all.Count / SampleSize) == 0).Select(mail => mail.Bytes);
        Assert.All(await Dkimpy.VerifyAsync(await tenant.Shop.DkimKeys(), sample, CancellationToken.None), verdict => Assert.Equal("pass", verdict));
        var records = Publisher.Records(await tenant.Verify(), "dkim");
        Assert.All(records, record => Assert.Equal("ok", record.GetProperty("state").GetString()));
    }

    /// <summary>From a new key over its record to its first signatures, with mail flowing in every phase.</summary>
    private static async Task Rotate(Publisher tenant, string algorithm, string[] made, string[] active, ConcurrentQueue<SinkMessage> received, Task flow)
    {
        await More(received, flow);
        Assert.Equal(made.Order(), Publisher.Keys(await World.Json(await tenant.Shop.Live.PostAsync($"/domains/{tenant.Id}/dkim/rotate?algorithm={algorithm}", null))).Order());
        await More(received, flow);
        var verified = await tenant.PublishAndVerify();
        Assert.Equal("verified", verified.GetProperty("state").GetString());
        Assert.Equal(active.Order(), Publisher.Keys(verified).Order());
        await More(received, flow);
    }

    private static Task More(ConcurrentQueue<SinkMessage> received, Task flow)
    {
        var goal = received.Count + PerPhase;
        return Eventually.HoldsAsync(() => received.Count >= goal || flow.IsFaulted, World.Patience, $"{goal} messages have come", CancellationToken.None);
    }

    /// <summary>Sends one message after the other; each is judged the moment it has come.</summary>
    private static async Task Flow(Publisher tenant, int lane, ConcurrentQueue<SinkMessage> received, CancellationToken enough)
    {
        for (var number = 0; !enough.IsCancellationRequested; number++)
        {
            var recipient = $"ann.{lane}.{number}.{tenant.Id}@example.net";
            await tenant.Shop.Send(tenant.Shop.Mail(recipient));
            var mail = await tenant.Shop.World.Sink.WaitFor(recipient, World.Patience);
            Passes(await Verify(mail, tenant.Dns, TimeProvider.System));
            received.Enqueue(mail);
        }
    }

    /// <summary>As a receiver that asks this name server and has nothing in its cache.</summary>
    private static Task<IReadOnlyList<SignatureVerdict>> Verify(SinkMessage mail, NsdServer dns, TimeProvider time) =>
        Verifier.Verify(mail.Bytes, new DnsResolver(new DnsOptions { Servers = [dns.EndPoint] }, time), time, CancellationToken.None);

    private static void Passes(IReadOnlyList<SignatureVerdict> verdicts)
    {
        Assert.NotEmpty(verdicts);
        Assert.All(verdicts, verdict => Assert.Equal((AuthenticationResult.Pass, "mail." + Origin), (verdict.Result, verdict.Domain)));
    }

    private static IEnumerable<string> Selectors(SinkMessage mail)
    {
        using var mime = mail.Mime;
        return [.. mime.Headers.Where(field => field.Id == MimeKit.HeaderId.DkimSignature)
            .Select(field => field.Value.Split(';').Select(tag => tag.Trim()).Single(tag => tag.StartsWith("s=", StringComparison.Ordinal))[2..])];
    }

    /// <summary>The clock of somebody who looks later.</summary>
    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
