using System.Globalization;
using System.Net;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;

namespace MailApi.Mail.Preflight;

/// <summary>Which lists are asked. None by default: each question tells the list whom mail is about, and some forbid unregistered use.</summary>
public sealed record BlocklistOptions
{
    /// <summary>Zones that list addresses, such as <c>zen.spamhaus.org</c>.</summary>
    public IReadOnlyList<string> AddressLists { get; init; } = [];

    /// <summary>Zones that list domains, such as <c>dbl.spamhaus.org</c>.</summary>
    public IReadOnlyList<string> DomainLists { get; init; } = [];

    /// <summary>For all questions of one call together.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Questions under way at a time in one call.</summary>
    public int ConcurrencyMax { get; init; } = 8;
}

/// <summary>What a blocklist says.</summary>
public enum BlocklistState
{
    NotListed,
    Listed,
    /// <summary>The list answers nobody like us: it wants registration, or was asked too often or through a public resolver.</summary>
    Refused,
    /// <summary>No answer, or one that no list gives.</summary>
    Unknown,
}

/// <summary>What one list says of one address or domain.</summary>
/// <param name="Codes">The addresses that it answered with; what they mean is the list's own affair.</param>
/// <param name="Text">What it says about the listing, if anything; a stranger's text.</param>
public sealed record BlocklistAnswer(string List, string Subject, BlocklistState State, IReadOnlyList<string> Codes, string? Text);

/// <summary>Asks DNS blocklists (RFC 5782) about addresses and domains.</summary>
public sealed class Blocklists(DnsResolver dns, BlocklistOptions options, TimeProvider time)
{
    /// <summary>Of one call; those after it are left out.</summary>
    public const int QuestionsMax = 200;

    private static readonly IPNetwork Codes = IPNetwork.Parse("127.0.0.0/8");

    /// <summary>Spamhaus: .252 wrong name of the list, .254 public resolver, .255 too many questions; others follow it.</summary>
    private static readonly IPNetwork Refusals = IPNetwork.Parse("127.255.255.0/24");

    /// <summary>URIBL and SURBL answer this to those whom they refuse; RFC 5782 §2.1 says that it is no listing.</summary>
    private static readonly IPAddress Refusal = IPAddress.Loopback;

    public bool AsksNobody => options.AddressLists.Count == 0 && options.DomainLists.Count == 0;

    /// <summary>One answer for each list and subject, in that order. Addresses that are not of the public internet are not asked about.</summary>
    public async Task<IReadOnlyList<BlocklistAnswer>> Ask(IEnumerable<IPAddress> addresses, IEnumerable<string> domains, CancellationToken ct)
    {
        var publicAddresses = addresses.Where(GlobalUnicast.Contains).Distinct().ToList();
        var names = domains.Where(name => DomainName.TryParse(name, out _)).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        var aboutAddresses = options.AddressLists.SelectMany(list =>
            publicAddresses.Select(address => new Question(list, address.ToString(), Name(address, list), Name(IPAddress.Loopback, list))));
        var aboutDomains = options.DomainLists.SelectMany(list => names.Select(name => new Question(list, name, $"{name}.{list}", $"invalid.{list}")));
        var questions = aboutAddresses.Concat(aboutDomains).Take(QuestionsMax).ToList();

        using var patience = new CancellationTokenSource(options.Patience, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        using var turns = new SemaphoreSlim(options.ConcurrencyMax);
        return await Task.WhenAll(questions.Select(question => Ask(question, turns, limit.Token, ct)));
    }

    /// <summary>The name to ask for: octets (IPv4) or nibbles (IPv6) from last to first, before the zone (RFC 5782 §2.1, §2.4).</summary>
    public static string Name(IPAddress address, string list)
    {
        var octets = address.GetAddressBytes().Reverse();
        var labels = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? octets.SelectMany(octet => new[] { (octet & 15).ToString("x", CultureInfo.InvariantCulture), (octet >> 4).ToString("x", CultureInfo.InvariantCulture) })
            : octets.Select(octet => octet.ToString(CultureInfo.InvariantCulture));
        return $"{string.Join('.', labels)}.{list}";
    }

    private async Task<BlocklistAnswer> Ask(Question question, SemaphoreSlim turns, CancellationToken limit, CancellationToken ct)
    {
        try
        {
            await turns.WaitAsync(limit);
            try
            {
                return await Ask(question, limit);
            }
            finally
            {
                turns.Release();
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return question.Answer(BlocklistState.Unknown, [], "no answer in time");
        }
    }

    private async Task<BlocklistAnswer> Ask(Question question, CancellationToken ct)
    {
        switch (await dns.A(question.Name, ct))
        {
            case DnsAnswer<IPAddress>.NoData or DnsAnswer<IPAddress>.NoSuchDomain:
                return question.Answer(BlocklistState.NotListed, [], null);
            case DnsAnswer<IPAddress>.Failed failed:
                return question.Answer(BlocklistState.Unknown, [], failed.Reason);
            case DnsAnswer<IPAddress>.Found { Values: var codes }:
                if (codes.Any(code => Refusals.Contains(code) || code.Equals(Refusal))) return question.Answer(BlocklistState.Refused, codes, null);
                if (!codes.All(code => Codes.Contains(code)))
                    return question.Answer(BlocklistState.Unknown, codes, "the list answers with an address that no list uses; it may have been given up");
                if (await dns.A(question.Counterproof, ct) is DnsAnswer<IPAddress>.Found)
                    return question.Answer(BlocklistState.Unknown, codes, "the list lists everything; it has been given up");
                var text = await dns.Txt(question.Name, ct) is DnsAnswer<string>.Found { Values: var texts } ? Shown.Text(texts[0]) : null;
                return question.Answer(BlocklistState.Listed, codes, text);
            case var other:
                throw new System.Diagnostics.UnreachableException(other.GetType().Name);
        }
    }

    /// <summary>A question and the entry that no working list has (RFC 5782 §5).</summary>
    private sealed record Question(string List, string Subject, string Name, string Counterproof)
    {
        public BlocklistAnswer Answer(BlocklistState state, IReadOnlyList<IPAddress> codes, string? text) =>
            new(List, Subject, state, [.. codes.Select(code => code.ToString())], text);
    }
}
