using MailApi.Api;

namespace MailApi.Spool;

/// <summary>All that the bus carries: which envelopes of one category may be claimed, and under which attempt. Losing it loses no mail.</summary>
public sealed record Doorbell(IReadOnlyList<DoorbellEntry> Envelopes)
{
    /// <summary>Envelopes in one doorbell: sixteen measured better than one, since a broker's cost is by message.</summary>
    public const int EnvelopesMax = 16;

    /// <summary>The queue and exchange of a category: <c>deliver-notification</c>.</summary>
    public static string QueueName(Category category) => "deliver-" + category.ToText();
}

/// <summary>An envelope, its fence (a claim under another attempt finds nothing), and whose it is: the consumer deals its slots by tenant.</summary>
public sealed record DoorbellEntry(Guid Id, int Attempt, Guid Tenant);
