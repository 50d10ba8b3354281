using MailApi.Mail.Routing;

namespace MailApi.Mail.Dnssec;

/// <summary>What signatures say about an answer (RFC 4035 §4.3).</summary>
public enum DnssecState
{
    /// <summary>An unbroken chain of signatures leads from the root to it.</summary>
    Secure,

    /// <summary>A signed zone on the way proves that what is below it is not signed, or is signed in a way that nobody needs to understand.</summary>
    Insecure,

    /// <summary>It ought to be signed and is not, or wrongly: a forgery or, more often, a mistake of the zone's keeper.</summary>
    Bogus,

    /// <summary>Not enough was heard to tell.</summary>
    Indeterminate,
}

/// <param name="State">The verdict.</param>
/// <param name="Reason">A sentence or two for the owner of the domain.</param>
public sealed record DnssecVerdict(DnssecState State, string Reason);

/// <param name="State">How far it can be believed.</param>
/// <param name="Reason">A sentence or two for the owner of the domain.</param>
/// <param name="Answer">
/// The data of the records, names in it uncompressed and in lower case. <see cref="DnsAnswer{T}.Failed"/> when <paramref name="State"/> is
/// bogus or indeterminate: such records must not be used.
/// </param>
public sealed record DnssecAnswer(DnssecState State, string Reason, DnsAnswer<byte[]> Answer)
{
    /// <summary>The name at the end of all aliases; null when <see cref="State"/> is bogus or indeterminate.</summary>
    public string? Owner { get; init; }

    /// <summary>How long it may be kept: the least time to live on the way.</summary>
    public TimeSpan Age { get; init; }
}
