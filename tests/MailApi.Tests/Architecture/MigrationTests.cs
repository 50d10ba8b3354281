using System.Text.RegularExpressions;
using Xunit;

namespace MailApi.Tests.Architecture;

/// <summary>
/// A new version changes the schema while processes of the version before work on it. So a script adds, and holds no lock for long; what it may contain is listed here, and everything else
/// needs a reason. One that takes away says in its name which migration's knowledge that needs (<c>NNN-what-needs-MMM.sql</c>): the migrator holds it to that.
/// </summary>
public sealed partial class MigrationTests
{
    private const string Folder = "src/MailApi/Storage/Migrations/";
    private const string BeforeRelease = "from before the first release: no version runs beside it";

    /// <summary>Scripts that do something else, and why they may.</summary>
    private static readonly Dictionary<string, string> Exceptions = new()
    {
        ["002-postgresql"] = BeforeRelease,
        ["003-claims-postgresql"] = BeforeRelease,
        ["003-claims-sqlite"] = BeforeRelease,
        ["004-identity"] = BeforeRelease,
        ["005-skeleton"] = BeforeRelease,
        ["006-in-flight"] = BeforeRelease,
        ["010-suppressions-postgresql"] = BeforeRelease,
        ["010-suppressions-sqlite"] = BeforeRelease,
        ["011-wall-postgresql"] = BeforeRelease,
    };

    private static readonly (string Name, string Text)[] Scripts =
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, Folder), "*.sql").Order(StringComparer.Ordinal).Select(path => (Path.GetFileNameWithoutExtension(path), File.ReadAllText(path)))];

    [Fact]
    public void The_version_before_works_on_while_a_script_runs_and_afterwards()
    {
        Assert.NotEmpty(Scripts);
        Rule.Holds(from script in Scripts
                   where !Exceptions.ContainsKey(script.Name)
                   from flaw in Flaws(script.Name, script.Text, CreatedWith(script.Name))
                   select $"{script.Name}: {flaw}");
    }

    [Fact]
    public void No_exception_outlives_its_reason()
    {
        Rule.Holds(Exceptions.Keys.Where(name => !Scripts.Any(script => script.Name == name && Flaws(name, script.Text, CreatedWith(name)).Any())));
    }

    [Theory]
    [InlineData("900-a", "alter table envelopes add column colour text; alter table envelopes add column size integer not null default 0;")]
    [InlineData("900-a", "create table colours (name text primary key); create index colours_name on colours (name); insert into colours values ('; drop table x');")]
    [InlineData("900-a-postgresql", "create function f() returns bigint language plpgsql as $$ begin drop table x; end $$;")]
    [InlineData("900-a-sqlite", "create index envelopes_colour on envelopes (colour);")]
    [InlineData("900-a-concurrently-postgresql", "drop index concurrently if exists envelopes_colour;\n-- why\ncreate index concurrently envelopes_colour on envelopes (colour);")]
    [InlineData("900-a-needs-899", "alter table envelopes drop column colour;")]
    public void A_script_that_adds_is_let_be(string name, string sql) => Assert.Empty(Flaws(name, sql, Created(sql)));

    [Theory]
    [InlineData("900-a", "alter table envelopes drop column colour;")]
    [InlineData("900-a", "alter table envelopes rename column colour to color;")]
    [InlineData("900-a", "alter table envelopes add column colour text not null;")]
    [InlineData("900-a", "alter table envelopes add column colour text unique;")]
    [InlineData("900-a", "alter table envelopes add column colour uuid references colours (id);")]
    [InlineData("900-a", "alter table envelopes add column colour bigint not null default (now_ms());")]
    [InlineData("900-a", "alter table envelopes alter column colour set not null;")]
    [InlineData("900-a-postgresql", "alter table envelopes add constraint one check (seq > 0);")]
    [InlineData("900-a", "drop table envelopes;")]
    [InlineData("900-a", "create index envelopes_colour on envelopes (colour);")]
    [InlineData("900-a-postgresql", "create index envelopes_colour on envelopes (colour);")]
    [InlineData("900-a-sqlite", "create unique index envelopes_colour on envelopes (colour);")]
    [InlineData("900-a-concurrently-postgresql", "create index concurrently envelopes_colour on envelopes (colour);")]
    [InlineData("900-a-postgresql", "create index concurrently envelopes_colour on envelopes (colour);")]
    [InlineData("900-a", "update envelopes set colour = 'red';")]
    [InlineData("900-a-postgresql", "alter table envelopes enable row level security;")]
    [InlineData("900-a-postgresql", "create or replace function now_ms() returns bigint language sql as $$ select 1 $$;")]
    [InlineData("900-a-postgresql", "do $$ begin execute format('alter table %I enable row level security', 'envelopes'); end $$;")]
    [InlineData("900-a-needs-900", "alter table envelopes drop column colour;")]
    [InlineData("900-a-postgresql", "lock table envelopes;")]
    public void One_that_stands_in_the_way_is_recognised(string name, string sql) => Assert.NotEmpty(Flaws(name, sql, Created(sql)));

    /// <summary>What of a script may stand in the way of processes of the version before.</summary>
    /// <param name="name">Without the ending.</param>
    /// <param name="text">SQL.</param>
    /// <param name="created">Tables that the same migration makes: nobody else knows them yet.</param>
    private static IEnumerable<string> Flaws(string name, string text, IReadOnlySet<string> created)
    {
        if (Needs().Match(name) is { Success: true } needs && string.CompareOrdinal(needs.Groups[1].Value, name[..3]) < 0) return [];
        var isConcurrent = name.EndsWith("-concurrently-postgresql", StringComparison.Ordinal);
        var statements = Statements(text);
        if (isConcurrent)
            return statements is [var drop, var create] && Concurrent().IsMatch($"{drop};{create}") ? [] : ["it must be: drop index concurrently if exists …; create index concurrently …;"];
        return statements.Where(statement => !IsHarmless(statement, created, isSqlite: name.EndsWith("-sqlite", StringComparison.Ordinal)));
    }

    private static bool IsHarmless(string statement, IReadOnlySet<string> created, bool isSqlite)
    {
        if (NewThing().IsMatch(statement)) return true;
        if (AddedColumn().Match(statement) is { Success: true } added)
            return !Restricts().IsMatch(added.Groups["rest"].Value) && (!NotNull().IsMatch(added.Groups["rest"].Value) || ConstantDefault().IsMatch(added.Groups["rest"].Value));
        if (Trigger().Match(statement) is { Success: true } trigger) return !trigger.Groups["table"].Success || created.Contains(trigger.Groups["table"].Value);
        // The one process of an embedded store reads nothing before it is up to date.
        if (isSqlite && PlainIndex().IsMatch(statement)) return true;
        if (Wall().Match(statement) is { Success: true } wall) return Quoted().Matches(wall.Groups["tables"].Value).All(table => created.Contains(table.Groups[1].Value));
        return OnTable().Match(statement) is { Success: true } on && created.Contains(on.Groups["table"].Value);
    }

    private static HashSet<string> CreatedWith(string name) => [.. Scripts.Where(script => script.Name[..3] == name[..3]).SelectMany(script => Created(script.Text))];

    private static HashSet<string> Created(string text) => [.. Statements(text).Select(statement => NewTable().Match(statement)).Where(match => match.Success).Select(match => match.Groups[1].Value)];

    /// <summary>Statements without comments, in single blanks. A semicolon in quotes ends none.</summary>
    private static List<string> Statements(string text) =>
        [.. Part().Matches(Comment().Replace(text, "")).Select(match => Blank().Replace(match.Value, " ").Trim()).Where(statement => statement.Length > 0)];

    [GeneratedRegex("--[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(\$\$.*?\$\$|'[^']*'|[^;'])+", RegexOptions.Singleline)]
    private static partial Regex Part();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();

    [GeneratedRegex(@"-needs-([0-9]{3})(-postgresql|-sqlite)?$")]
    private static partial Regex Needs();

    // Where SQLite's body ends, there ends a statement to us.
    [GeneratedRegex(@"^(end|create trigger \w+ before [a-z ]+ on (?<table>\w+) .*)$", RegexOptions.IgnoreCase)]
    private static partial Regex Trigger();

    [GeneratedRegex("^create (table|function) ", RegexOptions.IgnoreCase)]
    private static partial Regex NewThing();

    [GeneratedRegex(@"^create table (\w+)", RegexOptions.IgnoreCase)]
    private static partial Regex NewTable();

    [GeneratedRegex(@"^alter table \w+ add column \w+ (?<rest>[^,]+)$", RegexOptions.IgnoreCase)]
    private static partial Regex AddedColumn();

    [GeneratedRegex(@"\b(unique|references|primary|check|generated|constraint)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Restricts();

    [GeneratedRegex(@"\bnot null\b", RegexOptions.IgnoreCase)]
    private static partial Regex NotNull();

    [GeneratedRegex(@"\bdefault (-?[0-9]+|true|false|'[^']*')$", RegexOptions.IgnoreCase)]
    private static partial Regex ConstantDefault();

    [GeneratedRegex("^create index ", RegexOptions.IgnoreCase)]
    private static partial Regex PlainIndex();

    [GeneratedRegex(@"^drop index concurrently if exists (?<index>\w+);create (unique )?index concurrently \k<index> on [^;]+$", RegexOptions.IgnoreCase)]
    private static partial Regex Concurrent();

    /// <summary>Row level security for a list of tables.</summary>
    [GeneratedRegex(@"^do \$\$ declare name text; begin foreach name in array array\[(?<tables>['\w, ]+)\] loop (execute format\('(alter table %I (enable|force) row level security|create policy tenant on %I using .*?)', name\); )+end loop; end \$\$$", RegexOptions.IgnoreCase)]
    private static partial Regex Wall();

    [GeneratedRegex(@"'(\w+)'")]
    private static partial Regex Quoted();

    /// <summary>What concerns one table.</summary>
    [GeneratedRegex(@"^(create (unique )?index (?!concurrently)\w+ on|alter table|create policy \w+ on|insert into|update|drop index \w+ on) (?<table>\w+)\b", RegexOptions.IgnoreCase)]
    private static partial Regex OnTable();
}
