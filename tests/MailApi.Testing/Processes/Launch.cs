namespace MailApi.Testing;

/// <summary>What to start: a program, its arguments and what its environment adds to ours (a null value removes).</summary>
public sealed record Launch(string Program, params IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public string? WorkingDirectory { get; init; }

    /// <summary>The same as another user, if we are root; others are whom they are.</summary>
    public Launch As(string user) => !ProcessTree.RunsAsRoot ? this : this with
    {
        Program = "setpriv",
        Arguments = [$"--reuid={user}", $"--regid={user}", "--init-groups", Program, .. Arguments],
    };

    public override string ToString() => $"{Program} {string.Join(' ', Arguments)}";
}
