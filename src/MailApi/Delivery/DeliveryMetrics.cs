using System.Diagnostics;
using System.Diagnostics.Metrics;
using MailApi.Api;
using MailApi.Delivery.Egress;
using MailApi.Mail.Shaping;
using MailApi.Spool;

namespace MailApi.Delivery;

/// <summary>What the delivery path tells OpenTelemetry; names without addresses or tenants, so that their number stays bounded.</summary>
internal static class DeliveryMetrics
{
    public const string Name = "MailApi";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Outcomes = Meter.CreateCounter<long>("mailapi.delivery.outcomes", description: "Attempts by category and outcome.");
    private static readonly Counter<long> Uncertain = Meter.CreateCounter<long>("mailapi.delivery.uncertain", description: "Attempts that ended without an answer after the final dot.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "mailapi.delivery.duration", "s", "From claim to outcome.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600] });

    private static readonly Counter<long> Admissions = Meter.CreateCounter<long>("mailapi.sites.admissions", description: "Attempts that were let to their destination site, and those that were sent away.");

    public static void Count(Admission admission) =>
        Admissions.Add(1, new KeyValuePair<string, object?>("admission", admission is Admission.Entered ? "entered" : "refused"));

    /// <summary>Sites and connections by profile: never by site, of which there is no end.</summary>
    public static void Observe(Sites sites)
    {
        Meter.CreateObservableGauge("mailapi.sites", () => sites.Report().GroupBy(report => (report.Profile.Name, report.State))
            .Select(group => new Measurement<int>(group.Count(), new KeyValuePair<string, object?>("profile", group.Key.Name), new KeyValuePair<string, object?>("state", group.Key.State.ToText()))), description: "Destination sites by profile and state.");
        Meter.CreateObservableGauge("mailapi.sites.attempts", () => sites.Report().GroupBy(report => report.Profile.Name)
            .Select(group => new Measurement<int>(group.Sum(report => report.InUse), new KeyValuePair<string, object?>("profile", group.Key))), description: "Attempts under way at destination sites.");
    }

    /// <summary>There are as many addresses as the operator has set.</summary>
    public static void Observe(EgressPools pools, EgressRests rests) => Meter.CreateObservableGauge("mailapi.egress.state", () => pools.Addresses.Select(address => new Measurement<int>(
        1, new KeyValuePair<string, object?>("pool", address.Pool), new KeyValuePair<string, object?>("address", address.Public.ToString()), new KeyValuePair<string, object?>("state", rests.State(address).ToText()))),
        description: "1 for the state that a source address is in: active, warming or resting.");

    public static Activity? Start(Claim claim) => Source.StartActivity("deliver")?.SetTag("mailapi.envelope", claim.Envelope.ToString()).SetTag("mailapi.category", claim.Category.ToText());

    public static void Count(Claim claim, Outcome outcome, TimeSpan duration)
    {
        var category = new KeyValuePair<string, object?>("category", claim.Category.ToText());
        var kind = new KeyValuePair<string, object?>("outcome", outcome.GetType().Name.ToLowerInvariant());
        Outcomes.Add(1, category, kind);
        Duration.Record(duration.TotalSeconds, category, kind);
        if (outcome is Outcome.Deferred { Uncertain: true } or Outcome.Unknown) Uncertain.Add(1, category);
    }
}
