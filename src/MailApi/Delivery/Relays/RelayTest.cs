using System.Globalization;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using MailApi.OAuth;

namespace MailApi.Delivery.Relays;

/// <summary>Goes the way of mail to a relay as far as the login, and tells each step with what to do about it.</summary>
internal sealed class RelayTest(OAuthTokens<Relay> tokens, MxRouter router, SmtpClientOptions options, TimeProvider time)
{
    /// <summary>Whoever asks waits for the answer.</summary>
    private static readonly TimeSpan StepPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SmtpClientOptions impatient = options with
    {
        ConnectTimeout = StepPatience,
        Timeouts = options.Timeouts with { Greeting = StepPatience, Hello = StepPatience },
    };

    public async Task<RelayTestResult> Run(Relay relay, CancellationToken ct)
    {
        List<RelayTestStep> steps = [];
        string? token = null;
        if (relay.OAuth is not null)
        {
            var since = time.GetTimestamp();
            var answer = await tokens.Get(relay, ct);
            if (answer is { Token: { } old } && answer.AskedAt < since)
            {
                // A token from before may hide that no other would be given.
                tokens.Forget(relay, old);
                answer = await tokens.Get(relay, ct);
            }
            token = answer.Token;
            steps.Add(new RelayTestStep(RelayStep.Token, token is not null, null, answer.Refusal, null));
            if (token is null) return new RelayTestResult(false, steps);
        }

        var way = await router.Find(relay.Options(token), ct);
        steps.Add(way is RouteResult.Temporary closed
            ? new RelayTestStep(RelayStep.Address, false, null, closed.Reply.Text, closed.Reply.Enhanced == MxRouter.NoUsableAddress ? PrivateCure : "Look for a misspelt host, or for a fault of its DNS.")
            : new RelayTestStep(RelayStep.Address, true, null, null, null));
        if (way is RouteResult.Found found) steps.AddRange(await Converse(relay, found.Route, ct));
        return new RelayTestResult(steps.All(step => step.Ok), steps);
    }

    private const string PrivateCure = "Relays on private or loopback addresses are the operator's to allow (Delivery__AllowPrivateNetworks).";

    private async Task<IEnumerable<RelayTestStep>> Converse(Relay relay, Mail.Routing.Route route, CancellationToken ct)
    {
        using var timer = new CancellationTokenSource(Patience, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        try
        {
            return (await RelayProbe.Run(route, impatient, time, deadline.Token)).Select(step => Tell(relay, step));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return [new RelayTestStep(RelayStep.Connect, false, null, string.Create(CultureInfo.InvariantCulture, $"Not done within {Patience.TotalSeconds:0} s."), Cure(relay, RelayStep.Connect, null))];
        }
    }

    private static RelayTestStep Tell(Relay relay, ProbeStep step)
    {
        var about = step.Stage switch
        {
            null => RelayStep.Quit,
            Stage.Connect => RelayStep.Connect,
            Stage.Greeting => RelayStep.Greeting,
            Stage.Hello => RelayStep.Hello,
            Stage.StartTls => RelayStep.Tls,
            _ => RelayStep.Login,
        };
        return new RelayTestStep(about, step.Ok, step.Reply?.ToString(), step.Failure, step.Ok ? null : Cure(relay, about, step.Reply));
    }

    private static string Cure(Relay relay, RelayStep step, Reply? reply) => step switch
    {
        RelayStep.Connect => "Compare host and port with those of the provider (587 with startTls, 465 with implicit); a firewall on the way may close them.",
        RelayStep.Greeting when reply is null && relay.Tls != RelayTls.Implicit => "A server that says nothing may wait for TLS: use tls implicit, usually on port 465.",
        RelayStep.Greeting or RelayStep.Hello => "The relay does not want this client: look for a limit or a block list that its reply names, and at Delivery__HeloName.",
        RelayStep.Tls when relay.Tls == RelayTls.Implicit => "If this port begins in the clear, use tls startTls; else the certificate must be valid for the host's name.",
        RelayStep.Tls => "Use tls implicit if the port begins with TLS; else the relay must offer STARTTLS with a certificate that is valid for the host's name.",
        RelayStep.Login when reply is { Code: 535 or 534 } && relay.OAuth is null => "Compare user name and password; Google and Microsoft ask for oauth or an app password.",
        RelayStep.Login when reply is not null && relay.OAuth is not null => "The token was given, and the relay does not take it: the user name must be the mailbox that it is for, and its scope the right to send by SMTP.",
        RelayStep.Login when reply is { IsTransient: true } => "Wait, and look for a lock on the account.",
        RelayStep.Login => "Leave auth out, or name a mechanism that the relay offers.",
        _ => "Ask the relay's operator what its reply means.",
    };
}
