namespace MailApi.Tenants;

/// <summary>Section <c>Admin</c>.</summary>
public sealed class AdminOptions
{
    /// <summary>The operator's key, 32 characters or more; generated and printed at the first start when it is not set.</summary>
    public string? Key { get; set; }
}
