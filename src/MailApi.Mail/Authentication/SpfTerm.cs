using System.Net;

namespace MailApi.Mail.Authentication;

/// <summary>What a mechanism concludes where it matches (RFC 7208 §4.6.2).</summary>
public enum SpfQualifier
{
    /// <summary><c>+</c>, or nothing.</summary>
    Pass,

    /// <summary><c>-</c></summary>
    Fail,

    /// <summary><c>~</c></summary>
    SoftFail,

    /// <summary><c>?</c></summary>
    Neutral,
}

/// <summary>A term of an SPF record (RFC 7208 §4.6.1). The set of cases is closed.</summary>
public abstract record SpfTerm
{
    private SpfTerm() { }

    /// <summary>As it is written in the record.</summary>
    public required string Text { get; init; }

    /// <summary>Counts towards the ten look-ups of RFC 7208 §4.6.4.</summary>
    public virtual bool CostsLookup => true;

    public sealed override string ToString() => Text;

    /// <summary>A term that matches a client or not (§5).</summary>
    public abstract record Mechanism : SpfTerm
    {
        private protected Mechanism() { }

        public required SpfQualifier Qualifier { get; init; }
    }

    /// <summary><c>all</c> (§5.1): every client.</summary>
    public sealed record All : Mechanism
    {
        public override bool CostsLookup => false;
    }

    /// <summary><c>include</c> (§5.2): whom another record passes.</summary>
    public sealed record Include(SpfMacroString Domain) : Mechanism;

    /// <summary><c>a</c> (§5.3): the addresses of a name, or their networks. Without a name the domain itself.</summary>
    public sealed record A(SpfMacroString? Domain, SpfPrefix Prefix) : Mechanism;

    /// <summary><c>mx</c> (§5.4): the addresses of the mail exchangers.</summary>
    public sealed record Mx(SpfMacroString? Domain, SpfPrefix Prefix) : Mechanism;

    /// <summary><c>ptr</c> (§5.5): the confirmed reverse name ends in the domain. Not to be published any more.</summary>
    public sealed record Reverse(SpfMacroString? Domain) : Mechanism;

    /// <summary><c>ip4</c> and <c>ip6</c> (§5.6).</summary>
    /// <param name="Address">Its family tells the two apart.</param>
    /// <param name="PrefixBits">The leading bits that are compared.</param>
    public sealed record Network(IPAddress Address, int PrefixBits) : Mechanism
    {
        public override bool CostsLookup => false;
    }

    /// <summary><c>exists</c> (§5.7): the name has an A record.</summary>
    public sealed record Exists(SpfMacroString Domain) : Mechanism;

    /// <summary><c>redirect=</c> (§6.1): where nothing matches, another record stands for this one.</summary>
    public sealed record Redirect(SpfMacroString Domain) : SpfTerm;

    /// <summary><c>exp=</c> (§6.2): where the owner's words about a fail are found. Looked up outside the limit.</summary>
    public sealed record Explanation(SpfMacroString Domain) : SpfTerm
    {
        public override bool CostsLookup => false;
    }

    /// <summary>A modifier of no known meaning, which is ignored (§6).</summary>
    public sealed record Unknown(string Name) : SpfTerm
    {
        public override bool CostsLookup => false;
    }
}

/// <summary>The leading bits of an address that <c>a</c> and <c>mx</c> compare (RFC 7208 §5.3, <c>dual-cidr-length</c>).</summary>
public readonly record struct SpfPrefix(int V4Bits, int V6Bits)
{
    public static readonly SpfPrefix Whole = new(32, 128);
}
