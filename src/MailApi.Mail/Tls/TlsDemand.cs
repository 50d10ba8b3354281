namespace MailApi.Mail.Tls;

/// <summary>What a TLS session proves.</summary>
public enum TlsProof
{
    /// <summary>Nothing is asked.</summary>
    None,

    /// <summary>That nobody listens in who does not also change what is sent.</summary>
    Encryption,

    /// <summary>By an authority's word (PKIX) that the host has one of <see cref="TlsDemand.Names"/>.</summary>
    Name,

    /// <summary>By TLSA records (DANE) that the host is the one meant.</summary>
    Tlsa,
}

/// <summary>
/// What a connection to a mail host must prove before the first MAIL command. Equal demands are proven by the same connection, which is why it is
/// part of what connections are kept by.
/// </summary>
public sealed record TlsDemand
{
    /// <summary>TLS where offered, with any certificate; in the clear where it fails (RFC 7435).</summary>
    public static readonly TlsDemand Opportunistic = new();

    private string? identity;

    public TlsProof Proof { get; init; }

    /// <summary>Without the proof nothing is sent. False: what is missing is only told (MTA-STS in testing mode).</summary>
    public bool IsEnforced { get; init; }

    /// <summary>What asks for it.</summary>
    public TlsPolicyType Policy { get; init; }

    /// <summary>DNS names, of which the certificate must have one; wildcards in the certificate match.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>At least one usable record with <see cref="TlsProof.Tlsa"/>.</summary>
    public IReadOnlyList<TlsaRecord> Tlsa { get; init; } = [];

    /// <summary>What is asked for in the handshake (SNI); null: the host's name.</summary>
    public string? ServerName { get; init; }

    /// <summary>The message says REQUIRETLS (RFC 8689): the host must offer it, too.</summary>
    public bool RequireTls { get; init; }

    public bool Equals(TlsDemand? other) => ReferenceEquals(this, other) || (other is not null && Identity == other.Identity);

    public override int GetHashCode() => Identity.GetHashCode(StringComparison.Ordinal);

    private string Identity => identity ??= $"{Proof} {IsEnforced} {Policy} {RequireTls} {ServerName} {string.Join(',', Names)} {string.Join(',', Tlsa)}";
}
