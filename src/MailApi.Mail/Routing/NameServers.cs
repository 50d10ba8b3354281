using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.NetworkInformation;

namespace MailApi.Mail.Routing;

/// <summary>
/// The configured resolvers as one: asks them in turn until one of them answers, with a bound on the time of each look-up and on how many
/// there are at once.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore without a wait handle holds nothing that must be given back.")]
internal sealed class NameServers(DnsOptions options, TimeProvider time)
{
    /// <summary>As many as the C library asks (resolv.conf(5)).</summary>
    public const int ServersMax = 3;

    /// <summary>How long the system's list is believed.</summary>
    private static readonly TimeSpan SystemAge = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim free = new(DnsResolver.LookupsMax);
    private SystemServers? system;

    /// <summary>Asks the configured resolvers.</summary>
    public Task<Heard> Ask(string name, RecordType type, DnsAsk ask, CancellationToken ct) =>
        Ask(Configured(), name, type, ask | DnsAsk.Recursion, message => message.Code is 0 or 3 && !message.IsReferral, ct);

    /// <summary>Asks these servers in turn, each again up to <see cref="DnsOptions.Retries"/> times while it is silent.</summary>
    /// <param name="usable">What is an answer; the server of any other is not asked again.</param>
    /// <returns>The first usable answer, or the last reason for which there is none.</returns>
    public async Task<Heard> Ask(
        IReadOnlyList<IPEndPoint> servers, string name, RecordType type, DnsAsk ask, Func<DnsMessage, bool> usable, CancellationToken ct)
    {
        if (servers.Count == 0) return new Heard(null, "no name server is configured");
        using var deadline = new CancellationTokenSource(options.Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            await free.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // Whoever asks for several may end the wait at the same instant.
            return new Heard(null, Heard.TooMany);
        }
        try
        {
            return await AskInTurn([.. servers], name, type, ask, usable, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new Heard(null, Heard.NoAnswer);
        }
        finally
        {
            free.Release();
        }
    }

    private async Task<Heard> AskInTurn(List<IPEndPoint> servers, string name, RecordType type, DnsAsk ask, Func<DnsMessage, bool> usable, CancellationToken ct)
    {
        var reason = Heard.NoAnswer;
        for (var round = 0; round <= options.Retries && servers.Count > 0; round++)
        {
            foreach (var server in servers.ToArray())
            {
                var heard = await DnsTransport.Ask(server, name, type, ask, options.Timeout, time, ct);
                if (heard.Message is { } message && usable(message)) return heard with { Server = server };
                if (heard is { Message: null, Reason: Heard.NoAnswer }) continue;
                reason = heard.Message switch
                {
                    null => heard.Reason,
                    { IsReferral: true } => "a lame delegation",
                    { Code: 0 or 3 } => "an answer without authority",
                    var other => other.CodeName,
                };
                servers.Remove(server);
            }
        }
        return new Heard(null, reason);
    }

    private IReadOnlyList<IPEndPoint> Configured()
    {
        if (options.Servers.Count > 0) return options.Servers.Count <= ServersMax ? options.Servers : [.. options.Servers.Take(ServersMax)];
        var now = time.GetUtcNow();
        var known = system;
        if (known is null || known.Until <= now) system = known = new SystemServers(OfSystem(), now + SystemAge);
        return known.Servers;
    }

    private static List<IPEndPoint> OfSystem()
    {
        try
        {
            // Linux calls the loopback interface neither up nor down.
            return [.. NetworkInterface.GetAllNetworkInterfaces()
                .Where(network => network.OperationalStatus != OperationalStatus.Down)
                .SelectMany(network => network.GetIPProperties().DnsAddresses)
                .Distinct().Take(ServersMax).Select(address => new IPEndPoint(address, 53))];
        }
        catch (NetworkInformationException)
        {
            return [];
        }
    }

    private sealed record SystemServers(IReadOnlyList<IPEndPoint> Servers, DateTimeOffset Until);
}
