using System.Data.Common;
using MailApi.Api;
using MailApi.Mail;

namespace MailApi.Storage;

/// <summary>Notes an act in the audit log, within the transaction that carries it out; answers its mark.</summary>
public delegate Task<string> AppendAct(DbTransaction transaction, Act act, CancellationToken ct);

/// <summary>
/// Something that somebody does to the service. From <see cref="Begin"/> on it goes with whatever is awaited: the first transaction that changes something
/// notes it, so that neither exists without the other.
/// </summary>
public sealed class Act(AppendAct append)
{
    public const int SubjectCharsMax = 300;

    private static readonly AsyncLocal<Act?> current = new();

    /// <summary>The route's name: <c>CreateWebhook</c>.</summary>
    public required string Name { get; init; }

    /// <summary>A key's id, <c>operator</c>, or <c>service</c> for what the service does on its settings' word.</summary>
    public required string Actor { get; init; }

    /// <summary>Where the request came from.</summary>
    public string? Address { get; init; }

    /// <summary>Whose thing is touched; null for what is nobody's.</summary>
    public TenantId? Tenant { get; set; }

    /// <summary>The ids of what is touched, never its content; no more than <see cref="SubjectCharsMax"/> of it are kept.</summary>
    public string? Subject { get; set; }

    /// <summary>Its place in the log, once it is committed.</summary>
    public string? Mark { get; private set; }

    /// <summary>That of this flow, as long as it waits to be noted.</summary>
    internal static Act? Pending => current.Value is { IsOver: false, Mark: null } act ? act : null;

    private bool IsOver { get; set; }

    /// <summary>For what makes a thing or finds whose it is: says what the act in hand, if any, is about.</summary>
    public static void Concerns(TenantId? tenant, string? subject = null)
    {
        if (Pending is not { } act) return;
        act.Tenant = tenant ?? act.Tenant;
        act.Subject = subject?.Truncate(SubjectCharsMax) ?? act.Subject;
    }

    public void Begin() => current.Value = this;

    /// <summary>What was started on the side and outlives the request notes nothing in its name.</summary>
    public void End() => IsOver = true;

    internal Task<string> Append(DbTransaction transaction, CancellationToken ct) => append(transaction, this, ct);

    internal void Committed(string mark) => Mark = mark;
}
