using System.Net;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>The sending server as a receiver sees it before any message: the name of its address, and the name it says it has.</summary>
public sealed class EgressLint(DnsResolver dns, TimeProvider time)
{
    private const int NamesMax = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Forward-confirmed reverse DNS: address → name → the same address.</summary>
    public Task<Check> ReverseDns(IPAddress? address, CancellationToken ct) => Within("reverseDns", async limit =>
    {
        if (Unjudged(address) is { } reason)
            return Warn("reverseDns", Connection, reason, "Set the public address that mail leaves from, so that this can be checked.");
        var cure = $"Ask whoever gave you {address} to set its reverse name (PTR) to the name of your server, and give that name the address {address}.";
        var names = await dns.Names(address!, limit);
        if (names is DnsAnswer<string>.Failed failed) return Unknown("reverseDns", $"the name of {address}", failed.Reason);
        if (names is not DnsAnswer<string>.Found found)
            return Fail("reverseDns", Connection, $"The sending address {address} has no name (PTR record); Gmail and many others refuse mail from such addresses.",
                cure);

        var candidates = found.Values.Take(NamesMax).ToList();
        var answers = await Task.WhenAll(candidates.Select(name => AddressesOf(name, address!, limit)));
        var confirmed = Array.FindIndex(answers, answer => answer is DnsAnswer<IPAddress>.Found { Values: var values } && values.Any(value => value.Equals(address)));
        if (confirmed >= 0) return Pass("reverseDns", Connection, $"The sending address {address} is {candidates[confirmed]}, and that name has this address.");
        return answers.OfType<DnsAnswer<IPAddress>.Failed>().FirstOrDefault() is { } error
            ? Unknown("reverseDns", $"the address of {Shown.List(candidates)}", error.Reason)
            : Fail("reverseDns", Connection,
                $"The sending address {address} says it is {Shown.List(candidates)}, but that name has another address or none; Gmail refuses mail from such addresses.",
                cure);
    }, ct);

    public Task<Check> Helo(string name, IPAddress? address, CancellationToken ct) => Within("helo", async limit =>
    {
        if (!DomainName.TryParse(name, out var host))
            return Fail("helo", Connection, $"The server greets as '{Shown.Text(name)}', which is no full host name (RFC 5321 §4.1.1.1).",
                "Set the host name of this service to a name such as mail.shop.example.");
        var cure = $"Give {host} an A record with the address that mail leaves from.";
        var answer = Unjudged(address) is null ? await AddressesOf(host, address!, limit) : await dns.Addresses(host, limit);
        if (answer is DnsAnswer<IPAddress>.Failed failed) return Unknown("helo", $"the address of {host}", failed.Reason);
        if (answer is not DnsAnswer<IPAddress>.Found found) return Fail("helo", Connection, $"The server greets as {host}, a name that has no address.", cure);
        if (Unjudged(address) is { } reason) return Warn("helo", Connection, reason, "Set the public address that mail leaves from, so that this can be checked.");
        return found.Values.Any(value => value.Equals(address))
            ? Pass("helo", Connection, $"The server greets as {host}, which has its address {address}.")
            : Warn("helo", Connection, $"The server greets as {host}, which has the address {found.Values[0]} instead of {address}.", cure);
    }, ct);

    /// <summary>Of the family of the address that is to be found, however the resolver is set up.</summary>
    private Task<DnsAnswer<IPAddress>> AddressesOf(string name, IPAddress like, CancellationToken ct) =>
        like.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? dns.Aaaa(name, ct) : dns.A(name, ct);

    private static string? Unjudged(IPAddress? address) => address is null
        ? "It is not known which address the mail leaves from, so that this cannot be judged."
        : GlobalUnicast.Contains(address) ? null : $"{address} is no public address, so that what receivers will see cannot be judged from here.";

    private static Check Unknown(string name, string what, string reason) =>
        Warn(name, Connection, $"Looking up {what} failed ({Shown.Text(reason)}), so that this cannot be judged now.",
            "Try again; if it stays so, the domain's name servers are at fault.");

    private async Task<Check> Within(string name, Func<CancellationToken, Task<Check>> check, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            return await check(limit.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Unknown(name, "names", "no answer in time");
        }
    }
}
