namespace MailApi.Proof.Loading;

/// <summary>Whoever sends.</summary>
/// <param name="Number">From zero.</param>
/// <param name="Id"><c>ten_…</c>.</param>
/// <param name="Domain">The sending domain.</param>
/// <param name="Key">Its live key.</param>
/// <param name="HookPath">Where its webhook points; null: it has none.</param>
/// <param name="HookSecret">What signs it.</param>
/// <param name="PerSecond">The domain's sending rate.</param>
/// <param name="Burst">Likewise.</param>
public sealed record Tenant(int Number, string Id, string Domain, string Key, string? HookPath, string HookSecret, int PerSecond, int Burst)
{
    private const int Ample = 1000;

    /// <summary>More may be asked of it than its rate lets through.</summary>
    public bool IsHeldBack => PerSecond < Ample;
}
