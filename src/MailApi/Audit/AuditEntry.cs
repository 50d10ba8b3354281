using MailApi.Api;

namespace MailApi.Audit;

/// <summary>An act in the audit log.</summary>
public sealed record AuditEntry
{
    /// <summary>1, 2, 3 …: one chain for all tenants.</summary>
    public required long Position { get; init; }

    /// <summary>By the database's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whose thing was touched.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>The id of the key, <c>operator</c>, or <c>service</c>.</summary>
    public required string Actor { get; init; }

    /// <summary>The operation's id in this reference: <c>CreateWebhook</c>.</summary>
    public required string Act { get; init; }

    /// <summary>The ids of what was touched.</summary>
    public string? Subject { get; init; }

    /// <summary>Where the request came from.</summary>
    public string? Address { get; init; }
}

/// <summary>What a check of the whole audit log found.</summary>
public sealed record AuditVerdict
{
    public required bool Intact { get; init; }

    /// <summary>Rows that are right, from the first on.</summary>
    public required long Rows { get; init; }

    /// <summary>The last of them: kept elsewhere and given to a later check, it proves that nothing up to it was replaced.</summary>
    public string? Mark { get; init; }

    public AuditBreak? Broken { get; init; }
}

/// <summary>The first place where the chain does not hold.</summary>
/// <param name="Position">Of the row.</param>
/// <param name="Reason"><c>altered</c> (or put in another's place), <c>removed</c>, <c>added</c>, <c>head</c>, <c>mark</c>.</param>
public sealed record AuditBreak(long Position, string Reason);
