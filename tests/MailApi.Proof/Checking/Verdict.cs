using System.Text;

namespace MailApi.Proof.Checking;

/// <summary>What does not hold.</summary>
/// <param name="Invariant"><c>I1</c> to <c>I12</c>.</param>
/// <param name="Says">What is wrong, in a sentence.</param>
/// <param name="Case">Of whom, with what the ledgers say.</param>
public sealed record Violation(string Invariant, string Says, Case? Case);

/// <summary>Recipients, in Jepsen's words.</summary>
public sealed record Counts
{
    /// <summary>Somebody meant to send to them.</summary>
    public int Attempted { get; init; }

    /// <summary>Their message was answered 202.</summary>
    public int Acknowledged { get; init; }

    /// <summary>Acknowledged, and neither final nor known.</summary>
    public int Lost { get; init; }

    /// <summary>Got more than one copy.</summary>
    public int Duplicated { get; init; }

    /// <summary>What the receivers have, all copies counted.</summary>
    public int Copies { get; init; }

    /// <summary>Of those: flagged, and with a cause.</summary>
    public int Explained { get; init; }

    /// <summary>Never acknowledged, and sent all the same: the answer was lost.</summary>
    public int Recovered { get; init; }

    /// <summary>Violations of any invariant.</summary>
    public int Unexpected { get; init; }

    /// <summary>Acknowledged and ended in <c>failed</c>: three processes in a row died during an attempt.</summary>
    public int GivenUp => States.GetValueOrDefault("failed");

    public IReadOnlyDictionary<string, int> States { get; init; } = new Dictionary<string, int>();

    /// <summary>In doubt whether a copy exists, rightly or not.</summary>
    public int Flagged { get; init; }
    public int Webhooks { get; init; }

    public static Counts operator +(Counts one, Counts other) => new()
    {
        Attempted = one.Attempted + other.Attempted,
        Acknowledged = one.Acknowledged + other.Acknowledged,
        Lost = one.Lost + other.Lost,
        Duplicated = one.Duplicated + other.Duplicated,
        Copies = one.Copies + other.Copies,
        Explained = one.Explained + other.Explained,
        Recovered = one.Recovered + other.Recovered,
        Unexpected = one.Unexpected + other.Unexpected,
        Flagged = one.Flagged + other.Flagged,
        Webhooks = one.Webhooks + other.Webhooks,
        States = one.States.Concat(other.States).GroupBy(pair => pair.Key).ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value)),
    };

    public override string ToString() =>
        $"attempted {Attempted}, acknowledged {Acknowledged}, lost {Lost}, duplicated {Duplicated}, explained {Explained}, recovered {Recovered}, unexpected {Unexpected} "
        + $"({string.Join(", ", States.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Value} {pair.Key}"))}; {Flagged} flagged; {Webhooks} webhook requests)";
}

/// <summary>What the checker found.</summary>
public sealed record Verdict(Counts Counts, IReadOnlyList<Violation> Violations)
{
    private const int ShownMax = 20;

    public bool Holds => Violations.Count == 0;

    /// <summary>Every violation with what the ledgers say of it, the first so many in full.</summary>
    public string Describe()
    {
        var text = new StringBuilder(Counts.ToString()).AppendLine();
        foreach (var group in Violations.GroupBy(violation => violation.Invariant)) text.AppendLine($"{group.Key}: {group.Count()} violations");
        foreach (var violation in Violations.Take(ShownMax)) text.AppendLine($"{violation.Invariant}: {violation.Says}").Append(violation.Case);
        return text.ToString();
    }
}
