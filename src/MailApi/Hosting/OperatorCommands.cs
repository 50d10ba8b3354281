using System.Data.Common;
using System.Globalization;
using System.Text;
using MailApi.Spool;
using Microsoft.Data.Sqlite;

namespace MailApi.Hosting;

/// <summary>
/// What an operator asks of the program besides running it: <c>backup FILE</c> and <c>restore FILE</c> for a store in SQLite, and <c>restored</c> after a store in PostgreSQL was restored with its own tools.
/// </summary>
internal static class OperatorCommands
{
    private const string Usage = "Commands: backup FILE, restore FILE, restored. Without one the service runs.";

    /// <returns>The exit code; null where the arguments hold no command.</returns>
    /// <exception cref="SettingsException">The command cannot be carried out.</exception>
    public static async Task<int?> Run(string[] args)
    {
        if (args.Length == 0 || args[0].StartsWith('-') || args[0].Contains('=', StringComparison.Ordinal) || args[0].StartsWith('/')) return null;
        var settings = Settings.From(WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }).Configuration);
        var done = args switch
        {
            ["backup", var file] => Backup(settings, Path.GetFullPath(file)),
            ["restore", var file] => Restore(settings, Path.GetFullPath(file)),
            ["restored"] => await MarkRestored(settings),
            _ => throw new SettingsException($"No such command: {string.Join(' ', args)}. {Usage}"),
        };
        await Console.Out.WriteLineAsync(done);
        return 0;
    }

    /// <summary>A copy of the store as it is at one instant, while the service runs or not. It says of itself that it is a backup.</summary>
    private static string Backup(Settings settings, string file)
    {
        var store = SqliteFile(settings, "pg_dump");
        if (!File.Exists(store)) throw new SettingsException($"There is no store at {store}.");
        if (File.Exists(file)) throw new SettingsException($"{file} exists already.");
        var beside = file + ".new";
        File.Delete(beside);
        using (var connection = Open(store))
        {
            using var copy = connection.CreateCommand();
            copy.CommandText = "vacuum into @file";
            copy.Parameters.AddWithValue("@file", beside);
            copy.ExecuteNonQuery();
        }
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(beside, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Mark(beside, string.Create(CultureInfo.InvariantCulture, $"a backup of {TimeProvider.System.GetUtcNow():u}"));
        Settle(beside, file);
        return $"The store is copied to {file}. The key-encryption key is not in it: keep {Path.Combine(settings.DataDirectory, "key-encryption-key")} (or Secrets__KeyEncryptionKey) elsewhere.";
    }

    /// <summary>Puts a backup in the place of the store, which is kept beside it. At the next start mail that may have been sent since is held.</summary>
    private static string Restore(Settings settings, string file)
    {
        var store = SqliteFile(settings, "pg_restore, then MailApi restored");
        if (!File.Exists(file)) throw new SettingsException($"There is no backup at {file}.");
        using var inUse = Store.Lock(settings.Store, settings.DataDirectory);
        var beside = store + ".new";
        File.Copy(file, beside, overwrite: true);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(beside, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Check(beside, file);
        Mark(beside, string.Create(CultureInfo.InvariantCulture, $"it was put in place at {TimeProvider.System.GetUtcNow():u}"));
        var replaced = string.Create(CultureInfo.InvariantCulture, $"{store}.replaced-{TimeProvider.System.GetUtcNow():yyyyMMddHHmmss}");
        // The log of one database must not be found beside another.
        foreach (var part in (string[])["", "-wal", "-shm"])
            if (File.Exists(store + part)) File.Move(store + part, replaced + part);
        Settle(beside, store);
        return $"{file} is the store now; what it replaces is kept as {replaced}. At the next start mail that may have been sent since is held: see GET /queue.";
    }

    private static async Task<string> MarkRestored(Settings settings)
    {
        using var db = Store.Open(settings.Store, settings.DataDirectory, TimeProvider.System);
        try
        {
            await db.Execute(Restoration.Mark, CancellationToken.None, ("value", Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"the operator said so at {TimeProvider.System.GetUtcNow():u}"))));
        }
        catch (DbException e)
        {
            throw new SettingsException($"The store cannot be marked: {e.Message}");
        }
        return "At the next start mail that may have been sent since the backup is held: see GET /queue.";
    }

    private static string SqliteFile(Settings settings, string tool) => settings.Store.Provider == StoreProvider.Sqlite
        ? Store.SqliteFile(settings.Store, settings.DataDirectory)
        : throw new SettingsException($"The store is in PostgreSQL, which has tools of its own: {tool}.");

    private static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static void Mark(string file, string value)
    {
        using var connection = Open(file);
        using var mark = connection.CreateCommand();
        mark.CommandText = Restoration.Mark;
        mark.Parameters.AddWithValue("@value", Encoding.UTF8.GetBytes(value));
        mark.ExecuteNonQuery();
    }

    /// <exception cref="SettingsException">The file is damaged, or no store.</exception>
    private static void Check(string copy, string file)
    {
        try
        {
            using var connection = Open(copy);
            using var check = connection.CreateCommand();
            check.CommandText = "select (select integrity_check from pragma_integrity_check limit 1), (select count(*) from sqlite_master where name in ('settings', 'envelopes'))";
            using var row = check.ExecuteReader();
            if (row.Read() && row.GetString(0) == "ok" && row.GetInt32(1) == 2) return;
        }
        catch (SqliteException e)
        {
            throw new SettingsException($"{file} is no backup of a store: {e.Message}");
        }
        throw new SettingsException($"{file} is no backup of a store, or damaged.");
    }

    /// <summary>On disk, then under its name.</summary>
    private static void Settle(string from, string to)
    {
        using (var written = new FileStream(from, FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
        File.Move(from, to);
    }
}
