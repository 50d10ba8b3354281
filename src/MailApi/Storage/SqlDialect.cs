namespace MailApi.Storage;

/// <summary>
/// The few places where SQLite and PostgreSQL differ in a statement. Everything else is one text for both: ids are <c>uuid</c>
/// (text in SQLite), instants are milliseconds since the Unix epoch in <c>bigint</c>, lists and objects are JSON text, and both
/// databases know the functions <c>now_ms()</c> and <c>events_horizon()</c>.
/// </summary>
public sealed record SqlDialect
{
    /// <summary><c>for update skip locked</c>, or nothing where there is one writer.</summary>
    public required string SkipLocked { get; init; }

    /// <summary>Binds the transaction to the tenant <c>@tenant</c> (row level security), or null where the database has no such wall.</summary>
    public required string? BindTenant { get; init; }

    /// <summary>Makes transactions that decide about the same <c>@subject</c> take turns until they end, or null where writers do so anyway.</summary>
    public required string? TakeTurns { get; init; }

    /// <summary>Reads what tells this database from a copy of it elsewhere, or null where nothing does.</summary>
    public required string? Home { get; init; }

    /// <summary>Goes on numbering events far above those that there ever were.</summary>
    public required string SkipEventNumbers { get; init; }

    /// <summary>A number that has changed once the transaction has changed something.</summary>
    public required string Changes { get; init; }

    /// <summary>Writers take turns in this process, because the database admits one at a time.</summary>
    public required bool OneWriter { get; init; }

    /// <summary>The driver's own pool makes no open connection cheap.</summary>
    public required bool KeepsConnections { get; init; }

    public static readonly SqlDialect Sqlite = new()
    {
        SkipLocked = "",
        BindTenant = null,
        TakeTurns = null,
        Home = null,
        SkipEventNumbers = "update sqlite_sequence set seq = seq + 1099511627776 where name = 'events'",
        Changes = "select total_changes()",
        OneWriter = true,
        KeepsConnections = true,
    };

    public static readonly SqlDialect PostgreSql = new()
    {
        SkipLocked = "for update skip locked",
        BindTenant = "select set_config('mailapi.tenant', @tenant, true)",
        TakeTurns = "select pg_advisory_xact_lock(hashtext(@subject))",
        // A dump that is read back is in a database of another number, if not in another cluster.
        Home = "select (select system_identifier from pg_control_system())::text || '.' || (select oid from pg_database where datname = current_database())::text",
        SkipEventNumbers = "select skip_event_numbers()",
        // A transaction is given its number with its first change.
        Changes = "select coalesce(cast(cast(pg_current_xact_id_if_assigned() as text) as bigint), 0)",
        OneWriter = false,
        KeepsConnections = false,
    };
}
