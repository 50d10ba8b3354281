using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MailApi.Storage;

/// <summary>
/// A statement's text with <c>$1</c>, <c>$2</c> in place of its names, as PostgreSQL takes it. Npgsql rewrites a text with named parameters at every
/// execution; one with numbers it sends as it is, so it is rewritten here, once.
/// </summary>
internal sealed partial class PositionalSql
{
    /// <summary>Texts kept. The program has some hundred constants; those put together from a caller's filters could be many more.</summary>
    private const int KeptMax = 1024;

    private static readonly ConcurrentDictionary<string, PositionalSql> kept = new(StringComparer.Ordinal);

    private readonly string text;

    /// <summary>In order of their numbers.</summary>
    private readonly List<string> names = [];

    private PositionalSql(string sql) => text = Parts().Replace(sql, Number);

    /// <summary>The text, and the values of its arguments in order of their numbers.</summary>
    /// <exception cref="ArgumentException">The text names an argument that there is none of.</exception>
    public static (string Text, object[] Values) Of(Statement statement)
    {
        if (statement.Args.Length == 0) return (statement.Sql, []);
        var known = Find(statement.Sql);
        return (known.text, known.Values(statement.Args));
    }

    private static PositionalSql Find(string sql)
    {
        if (kept.TryGetValue(sql, out var known)) return known;
        // All go at once: the constants are soon back, and nothing has to note which was used when.
        if (kept.Count >= KeptMax) kept.Clear();
        return kept[sql] = new PositionalSql(sql);
    }

    private string Number(Match part)
    {
        if (!part.Groups["name"].Success) return part.Value;
        var name = part.Groups["name"].Value;
        var place = names.IndexOf(name);
        if (place < 0)
        {
            place = names.Count;
            names.Add(name);
        }
        return string.Create(CultureInfo.InvariantCulture, $"${place + 1}");
    }

    private object[] Values((string Name, object? Value)[] args)
    {
        var values = new object[names.Count];
        for (var place = 0; place < values.Length; place++)
        {
            // Mostly the arguments come in the order in which the text names them.
            var arg = place < args.Length && args[place].Name == names[place] ? args[place] : Named(names[place], args);
            values[place] = arg.Value ?? DBNull.Value;
        }
        return values;
    }

    private static (string Name, object? Value) Named(string name, (string Name, object? Value)[] args)
    {
        foreach (var arg in args)
            if (arg.Name == name) return arg;
        throw new ArgumentException($"The statement has no argument for @{name}.");
    }

    // A name, or what an @ in it does not make one: a literal, with backslashes or without, a quoted identifier, a comment, a text between $$, the operator
    // @@. Comments do not nest, because SQLite's do not. Words are taken whole, so that an e or a $ in them begins nothing.
    [GeneratedRegex("""
        [eE]'([^'\\]|\\.|'')*' | '[^']*' | "[^"]*" | --[^\n]* | /\*.*?\*/ | \$\$.*?\$\$ | @@+ | @(?<name>[A-Za-z_]\w*) | \w[\w$]*
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace | RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Parts();
}
