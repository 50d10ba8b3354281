using System.Text.Json.Serialization;

namespace MailApi.Mail.Authentication;

/// <summary>What DMARC concludes (RFC 9989 §5.3).</summary>
public sealed record DmarcVerdict
{
    /// <summary><c>none</c>: no policy applies; <c>temperror</c>: nobody knows at present; <c>permerror</c>: the record is too broken to be applied; never <c>neutral</c> or <c>softfail</c>.</summary>
    public required AuthenticationResult Result { get; init; }

    /// <summary>What the domain's owner asks for; null where no policy applies.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DmarcPolicy? Policy { get; init; }

    /// <summary>The domain of the From address, in A-labels; empty where there is not exactly one.</summary>
    public required string Domain { get; init; }

    /// <summary>SPF passed for a domain that is aligned with <see cref="Domain"/>.</summary>
    public required bool SpfAligned { get; init; }

    /// <summary>A signature passed whose domain is aligned with <see cref="Domain"/>.</summary>
    public required bool DkimAligned { get; init; }

    /// <summary>What a receiver that follows the policy does with this message.</summary>
    public required DmarcPolicy Disposition { get; init; }

    /// <summary>Null where the message has no single From domain.</summary>
    internal TreeWalk? Walk { get; init; }

    /// <summary>Whether the domain that SPF checked is aligned, whatever SPF said; null where the DNS did not tell.</summary>
    internal bool? SpfDomainAligned { get; init; }

    /// <summary>The same of each signature.</summary>
    internal IReadOnlyList<bool?> SignersAligned { get; init; } = [];

    /// <summary>The From domain has no A, AAAA or MX record, and the record has a policy for such.</summary>
    internal bool IsNonexistent { get; init; }

    /// <summary>No policy was looked for: From has not exactly one domain (RFC 9989 §5.3.1).</summary>
    internal static DmarcVerdict NotApplicable { get; } =
        new() { Result = AuthenticationResult.None, Policy = null, Domain = "", SpfAligned = false, DkimAligned = false, Disposition = DmarcPolicy.None };
}
