using System.Net.Http.Json;
using System.Text.Json;
using MailApi.Proof.Checking;
using MailApi.Testing;

namespace MailApi.Proof.Faults;

/// <summary>The webhooks' endpoint is down, or slower than it is waited for.</summary>
public sealed class EndpointAway(string name, bool isSlow) : Fault
{
    public override string Name => name;
    public override string PassMark => "Mail does not notice; every event is told in the end, in the same words.";
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        if (isSlow) stand.Hooks.Default = WebhookAnswer.Slow(TimeSpan.FromSeconds(5));
        else await stand.Hooks.DownAsync();
        await Task.Delay(TimeSpan.FromSeconds(12), TimeProvider.System, ct);
        stand.Hooks.Default = WebhookAnswer.Of(204);
        await stand.Hooks.UpAsync();
    }

    public override IEnumerable<Violation> Check(Evidence evidence) => Doubts.In(evidence);
}

/// <summary>The endpoint answers 410: it wants to hear nothing more, until its owner enables it again.</summary>
public sealed class EndpointGone : Fault
{
    private const string Enabled = "the webhooks are enabled";

    public override string Name => "webhook-gone";
    public override string PassMark => "Mail does not notice; the webhook is disabled after the first 410, says why, and goes on when it is enabled.";

    // What was answered 410 is given up; what is sent once it is enabled again is asked for below.
    public override Expectations Expectations => new() { EveryAcceptSucceeds = true, RateRecovers = true, WebhooksArrive = false };

    public override async Task Inflict(Stand stand, Random random, CancellationToken ct)
    {
        stand.Hooks.Default = WebhookAnswer.Of(410);
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, ct);
        stand.Hooks.Default = WebhookAnswer.Of(204);
        foreach (var tenant in stand.Tenants)
        {
            using var live = stand.Nodes[0].WithKey(tenant.Key);
            var hook = (await live.GetFromJsonAsync<JsonElement>("/webhooks", ct)).GetProperty("items")[0];
            if (hook.GetProperty("enabled").GetBoolean() || !hook.GetProperty("disabledReason").GetString()!.Contains("410", StringComparison.Ordinal))
                throw new InvalidOperationException($"The webhook is not disabled: {hook}");
            using var enabled = await live.PatchAsJsonAsync($"/webhooks/{hook.GetProperty("id").GetString()}", new { enabled = true }, ct);
            enabled.EnsureSuccessStatusCode();
        }
        await stand.Timeline.Note(Enabled);
    }

    public override IEnumerable<Violation> Check(Evidence evidence)
    {
        var since = evidence.Timeline.Single(mark => mark.What == Enabled).Time;
        var told = evidence.Webhooks.Where(line => line.Status is >= 200 and < 300).Select(line => line.Id).ToHashSet();
        var after = evidence.Cases.Where(one => one.Intent.Time > since && one.Envelope is not null).ToList();
        if (after.Count == 0) yield return new Violation("I8", "Nothing was sent once the webhook was enabled again.", null);
        foreach (var one in after.Where(one => one.Events.Any(it => !told.Contains($"evt_{it.Id:N}")))) yield return new Violation("I8", "It was sent once the webhook was enabled again, and not all of it was told.", one);
        foreach (var violation in Doubts.In(evidence)) yield return violation;
    }
}
