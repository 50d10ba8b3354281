using MailApi.Api;
using MailApi.Mail.Authentication;
using MailApi.Mail.Preflight;
using MailApi.Mail.Routing;

namespace MailApi.Domains;

/// <summary>What receivers see of a domain.</summary>
internal sealed record DomainHealth
{
    public required DomainId Id { get; init; }
    public required string Name { get; init; }
    public required DomainState State { get; init; }

    /// <summary>When records, DNSSEC, SPF and DMARC were last looked up; null when they never were.</summary>
    public required DateTimeOffset? CheckedAt { get; init; }
    public required IReadOnlyList<DomainRecord> Records { get; init; }
    public required DnssecObservation? Dnssec { get; init; }

    /// <summary>Of the return path and of the domain itself.</summary>
    public required IReadOnlyList<SpfObservation> Spf { get; init; }
    public required DmarcObservation? Dmarc { get; init; }
    public required IReadOnlyList<KeyHealth> Keys { get; init; }

    /// <summary>Whether the names in a message of this domain belong to one organization.</summary>
    public required IReadOnlyList<AlignedName> Alignment { get; init; }

    /// <summary>The addresses that its mail leaves from.</summary>
    public required IReadOnlyList<EgressHealth> Egress { get; init; }
}

/// <summary>A signing key and its age.</summary>
internal sealed record KeyHealth(string Selector, KeyAlgorithm Algorithm, KeyState State, DateTimeOffset CreatedAt, int AgeDays, DateTimeOffset? LostAt);

/// <summary>A name in a message, and whose it is.</summary>
/// <param name="Identity"><c>from, returnPath, messageId, dkim</c> or <c>helo</c>.</param>
/// <param name="Domain">Its domain.</param>
/// <param name="OrganizationalDomain">Found by RFC 9989's tree walk; null when the DNS does not tell now.</param>
/// <param name="Aligned">With that of From; null when the DNS does not tell now. HELO need not be: DMARC does not look at it.</param>
internal sealed record AlignedName(string Identity, string Domain, string? OrganizationalDomain, bool? Aligned);

/// <summary>What receivers can find out about an address.</summary>
/// <param name="Address">As receivers see it.</param>
/// <param name="Names">What its reverse DNS says.</param>
/// <param name="Confirmed">One of these names leads back to the address, as large receivers demand.</param>
/// <param name="Blocklists">What each configured list says.</param>
internal sealed record EgressHealth(string Address, IReadOnlyList<string> Names, bool Confirmed, IReadOnlyList<BlocklistAnswer> Blocklists);

/// <summary>Where a tenant's mail of these categories leaves from a domain, as receivers see it.</summary>
internal delegate EgressSource EgressSourceOf(TenantId tenant, string domain, IReadOnlyList<Category> categories);

/// <summary>Puts the last check of a domain together with what can be asked at once.</summary>
internal sealed class HealthCheck(DnsResolver dns, OrganizationalDomain organization, Blocklists blocklists, EgressSourceOf egressOf, DomainOptions options, TimeProvider time)
{
    /// <summary>For what is asked at once; what has not answered by then is not known.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<DomainHealth> Of(Domain domain, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        var egress = egressOf(domain.Tenant, domain.Name, domain.Categories);
        var alignment = Task.WhenAll(Identities(domain, egress.HeloName).Select(identity => Align(identity.Identity, identity.Domain, domain.Name, both.Token)));
        var addresses = Task.WhenAll(egress.Addresses.Select(address => Look(address, both.Token)));
        return new DomainHealth
        {
            Id = domain.Id,
            Name = domain.Name,
            State = domain.State,
            CheckedAt = domain.CheckedAt,
            Records = DomainRecords.For(domain, options),
            Dnssec = domain.Observed?.Dnssec,
            Spf = domain.Observed?.Spf ?? [],
            Dmarc = domain.Observed?.Dmarc,
            Keys = [.. domain.Keys.Select(key => new KeyHealth(
                key.Selector, key.Algorithm, key.State, key.CreatedAt, (int)(time.GetUtcNow() - key.CreatedAt).TotalDays, key.LostAt))],
            Alignment = await alignment,
            Egress = await addresses,
        };
    }

    private static IEnumerable<(string Identity, string Domain)> Identities(Domain domain, string heloName) =>
        [("from", domain.Name), ("returnPath", DomainRecords.ReturnPathHost(domain.Name)), ("messageId", domain.Name), ("dkim", domain.Name), ("helo", heloName)];

    private async Task<AlignedName> Align(string identity, string name, string from, CancellationToken ct)
    {
        try
        {
            var (own, sender) = (await organization.Of(name, ct), await organization.Of(from, ct));
            if (own.FailedAt is not null || sender.FailedAt is not null) return new AlignedName(identity, name, null, null);
            return new AlignedName(identity, name, own.OrganizationalDomain, own.OrganizationalDomain == sender.OrganizationalDomain);
        }
        catch (OperationCanceledException)
        {
            return new AlignedName(identity, name, null, null);
        }
    }

    private async Task<EgressHealth> Look(System.Net.IPAddress address, CancellationToken ct)
    {
        try
        {
            var lists = blocklists.Ask([address], [], ct);
            var names = await dns.Names(address, ct) is DnsAnswer<string>.Found found ? found.Values : [];
            var back = await Task.WhenAll(names.Select(name => dns.Addresses(name, ct)));
            var confirmed = back.OfType<DnsAnswer<System.Net.IPAddress>.Found>().Any(answer => answer.Values.Contains(address));
            return new EgressHealth(address.ToString(), names, confirmed, await lists);
        }
        catch (OperationCanceledException)
        {
            return new EgressHealth(address.ToString(), [], false, []);
        }
    }
}
