using System.Globalization;
using System.Runtime.InteropServices;

namespace MailApi.Testing;

/// <summary>Signals to a process and to everything it has started (Linux).</summary>
internal static partial class ProcessTree
{
    public const int Interrupt = 2, Kill = 9, Terminate = 15, Continue = 18, Stop = 19;

    public static bool RunsAsRoot { get; } = EffectiveUserId() == 0;

    /// <summary>Signals one process; one that is gone is no error.</summary>
    public static void Signal(int pid, int signal) => _ = SendSignal(pid, signal);

    /// <summary>
    /// The leader, its descendants and the members of its group. Descendants are looked up one by one because some of them
    /// (PostgreSQL's workers) open sessions of their own.
    /// </summary>
    public static IReadOnlyCollection<Member> Members(int leader)
    {
        var all = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => char.IsAsciiDigit(name![0]))
            .Select(name => Read(int.Parse(name!, CultureInfo.InvariantCulture)))
            .OfType<Member>().ToList();
        var found = new HashSet<int> { leader };
        var before = 0;
        while (before != found.Count)
        {
            before = found.Count;
            found.UnionWith(all.Where(member => found.Contains(member.Parent) || member.Group == leader).Select(member => member.Pid));
        }
        return [.. all.Where(member => found.Contains(member.Pid))];
    }

    /// <summary>Signals those that are still what they were: a number that another process has taken since is left alone.</summary>
    public static void Signal(IEnumerable<Member> members, int signal)
    {
        foreach (var member in members.Where(IsThere)) Signal(member.Pid, signal);
    }

    /// <summary>Whether it runs.</summary>
    public static bool IsThere(Member member) => Read(member.Pid) is { State: not ('Z' or 'X') } now && now.StartTicks == member.StartTicks;

    private static Member? Read(int pid)
    {
        try
        {
            // proc(5): "pid (name) state ppid pgrp …", and the name may hold blanks and brackets; the start time is the 22nd field.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new Member(pid, fields[0][0], Number(fields[1]), Number(fields[2]), long.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>A process as it was when it was looked at.</summary>
    public sealed record Member(int Pid, char State, int Parent, int Group, long StartTicks);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUserId();
}
