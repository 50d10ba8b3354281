using System.Collections.Frozen;
using System.Data.Common;
using System.Globalization;

namespace MailApi.Storage;

/// <summary>What the error of a transaction that failed says about trying again, by the databases' own codes.</summary>
internal static class Failures
{
    /// <summary>How SQLite's driver begins its messages. The code itself is a property of the driver's type alone, and only the host names drivers.</summary>
    private const string SqliteError = "SQLite Error ";

    private const int SqliteConstraint = 19;

    /// <summary>
    /// SQLite's result codes for what is wrong with the store, whatever was asked of it: SQLITE_BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN
    /// and NOTADB. Its driver calls none of them transient.
    /// </summary>
    private static readonly FrozenSet<int> sqliteStoreWide = FrozenSet.Create(5, 6, 7, 8, 10, 11, 13, 14, 26);

    /// <summary>Another transaction was in the way (serialization_failure, deadlock_detected): nothing of this one happened, and it may go through at once.</summary>
    public static bool IsConflict(Exception failure) => failure is DbException { SqlState: "40001" or "40P01" };

    /// <summary>The store takes no writes at this moment, as when its disk is full or, on PostgreSQL, another server writes (read_only_sql_transaction).</summary>
    public static bool IsStoreWide(Exception failure) =>
        failure is DbException e && (e.IsTransient || e.SqlState == "25006" || sqliteStoreWide.Contains(SqliteCode(e)));

    /// <summary>A row is there already (unique_violation), or, on SQLite, breaks another constraint.</summary>
    public static bool IsDuplicate(DbException failure) => failure.SqlState == "23505" || SqliteCode(failure) == SqliteConstraint;

    /// <summary>0 where it is not SQLite's.</summary>
    private static int SqliteCode(DbException failure)
    {
        if (!failure.Message.StartsWith(SqliteError, StringComparison.Ordinal)) return 0;
        var rest = failure.Message.AsSpan(SqliteError.Length);
        return int.TryParse(rest[..Math.Max(0, rest.IndexOf(':'))], NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : 0;
    }
}
