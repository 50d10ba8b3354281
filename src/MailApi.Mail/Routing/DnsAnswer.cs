namespace MailApi.Mail.Routing;

/// <summary>What the DNS says about one name and type. The set of cases is closed.</summary>
public abstract record DnsAnswer<T>
{
    private DnsAnswer() { }

    /// <summary>At least one record.</summary>
    public sealed record Found(IReadOnlyList<T> Values) : DnsAnswer<T>;

    /// <summary>The name has records, but none of this type (RFC 2308 §2.2).</summary>
    public sealed record NoData : DnsAnswer<T>;

    /// <summary>The name does not exist (NXDOMAIN), or cannot exist.</summary>
    public sealed record NoSuchDomain : DnsAnswer<T>;

    /// <summary>Nobody knows at present: a time-out, SERVFAIL, REFUSED or an unreadable answer.</summary>
    public sealed record Failed(string Reason) : DnsAnswer<T>;
}

/// <summary>A mail exchanger. The root (<c>.</c>, RFC 7505) is the empty name.</summary>
/// <param name="Host">In lower case, without the trailing dot.</param>
/// <param name="Preference">The lower, the sooner tried.</param>
public sealed record MxHost(string Host, int Preference);
