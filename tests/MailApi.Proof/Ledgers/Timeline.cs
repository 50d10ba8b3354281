using MailApi.Testing;

namespace MailApi.Proof.Ledgers;

/// <summary>What kind of thing happened.</summary>
public enum MarkKind
{
    /// <summary>Only told.</summary>
    Note,

    /// <summary>Something that can leave an attempt without an answer, and so explains a copy made afterwards.</summary>
    Disturbed,

    /// <summary>From here on something is broken.</summary>
    FaultBegan,

    /// <summary>From here on nothing is.</summary>
    FaultEnded,
}

/// <summary>A line of the timeline.</summary>
public sealed record Mark(DateTimeOffset Time, MarkKind Kind, string What);

/// <summary>What was done to the system, and when: the causes that a copy may have.</summary>
public sealed class Timeline(string path) : IAsyncDisposable
{
    private readonly Ledger<Mark> ledger = new(path);

    public Task Note(string what) => Add(MarkKind.Note, what);

    /// <inheritdoc cref="MarkKind.Disturbed"/>
    public Task Disturbed(string what) => Add(MarkKind.Disturbed, what);

    public Task FaultBegan(string what) => Add(MarkKind.FaultBegan, what);

    public Task FaultEnded(string what) => Add(MarkKind.FaultEnded, what);

    public ValueTask DisposeAsync() => ledger.DisposeAsync();

    private Task Add(MarkKind kind, string what) => ledger.AppendAsync(new Mark(TimeProvider.System.GetUtcNow(), kind, what));
}
