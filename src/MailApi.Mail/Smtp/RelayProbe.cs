using System.Net;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Smtp;

/// <summary>A step of an introduction.</summary>
/// <param name="Stage">Which; null: the leave-taking.</param>
/// <param name="Reply">What was said to it; null where nothing was.</param>
/// <param name="Failure">Why it failed without a reply; null where it did not.</param>
public sealed record ProbeStep(Stage? Stage, Reply? Reply, string? Failure)
{
    public bool Ok => Failure is null && Reply is not { Code: >= 400 };
}

/// <summary>Introduces itself to a relay as for mail (connects, TLS, login), takes leave, and tells every step.</summary>
public static class RelayProbe
{
    /// <summary>Tries the route's addresses until one accepts a connection. Never throws for what the other side, the network or the clock does.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public static async Task<IReadOnlyList<ProbeStep>> Run(Route route, SmtpClientOptions options, TimeProvider time, CancellationToken ct)
    {
        List<ProbeStep> steps = [];
        foreach (var (host, address) in route.Hosts.SelectMany(host => host.Addresses.Select(address => (host, address))))
        {
            steps.Clear();
            var leaving = false;
            var told = options with { Heard = (stage, reply) => Add(steps, new ProbeStep(leaving ? null : stage, reply, null), route.Tls) };
            var (connection, failure) = await SmtpConnection.Open(new ConnectionKey(host.Name, new IPEndPoint(address, host.Port), route.Tls, route.Credentials, host.Demand, route.Source), told, null, time, ct);
            if (connection is not null)
            {
                leaving = true;
                await connection.Quit();
                break;
            }
            // A refusal has been told when it was heard.
            if (failure is TransmitResult.Unreachable unreachable) Add(steps, new ProbeStep(unreachable.Stage, null, unreachable.Reason), route.Tls);
            if (failure is not TransmitResult.Unreachable { Stage: Stage.Connect }) break;
        }
        return steps;
    }

    private static void Add(List<ProbeStep> steps, ProbeStep step, TlsPolicy tls)
    {
        if (steps.Count == 0 && step.Stage != Stage.Connect) steps.Add(new ProbeStep(Stage.Connect, null, null));
        if (steps.Count == 1 && tls == TlsPolicy.Implicit && step.Stage == Stage.Greeting) steps.Add(new ProbeStep(Stage.StartTls, null, null));
        // Challenges are no news once there is an answer.
        if (steps.LastOrDefault() is { Stage: Stage.Auth, Reply.Code: 334 } && step.Stage == Stage.Auth) steps.RemoveAt(steps.Count - 1);
        // That TLS was agreed to says less than that it failed.
        if (steps.LastOrDefault() is { Stage: Stage.StartTls } && step is { Stage: Stage.StartTls, Failure: not null }) steps.RemoveAt(steps.Count - 1);
        steps.Add(step);
    }
}
