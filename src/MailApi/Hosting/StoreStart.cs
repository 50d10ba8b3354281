using System.Data.Common;
using System.Security.Cryptography;
using MailApi.Storage;

namespace MailApi.Hosting;

/// <summary>
/// Runs before everything else: waits for the store, brings its schema up to date, and makes sure that this process holds the key under
/// which the store's secrets are sealed.
/// </summary>
internal sealed partial class StoreStart(Settings settings, LocalFiles files, Db db, SealedSettings secrets, TimeProvider time, ILogger<StoreStart> log) : IHostedService, IDisposable
{
    /// <summary>How long a start waits for the store: a cluster's parts come up in any order.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterLockTimeout = TimeSpan.FromSeconds(3);
    private FileStream? fileLock;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Store.Provider == StoreProvider.Sqlite) fileLock = Store.Lock(settings.Store, files.Directory);
        await Migrate(cancellationToken);
        await CheckKeyEncryptionKey(cancellationToken);
        foreach (var key in Coherence.InClearText(settings)) LogClearText(key);
        if (settings.Store.Provider != StoreProvider.PostgreSql) return;
        await CheckRole(cancellationToken);
        await CheckDurability(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => fileLock?.Dispose();

    /// <summary>
    /// Waits for a store that is away no longer than <see cref="Patience"/>; for its turn among other processes, and for a table that is in use, as long as it takes: the
    /// processes of the version before go on meanwhile.
    /// </summary>
    /// <exception cref="SettingsException">It was away for longer.</exception>
    private async Task Migrate(CancellationToken ct)
    {
        var migrator = new Migrator(settings.Store, files.Directory);
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                if (migrator.Run(Migrator.Scripts(settings.Store.Provider)) is not { } obstacle) return;
                LogNotYet(obstacle);
                await Task.Delay(Between, time, ct);
            }
            catch (DbException e) when (Migrator.IsLockTimeout(e))
            {
                LogTableInUse(e.Message);
                // Those who waited behind this one get on with their work first.
                await Task.Delay(AfterLockTimeout, time, ct);
            }
            catch (DbException e) when (time.GetElapsedTime(started) < Patience)
            {
                LogWaiting(e.Message);
                await Task.Delay(Between, time, ct);
            }
            catch (DbException e)
            {
                throw new SettingsException($"The store could not be reached for {Patience.TotalSeconds:0} s: {e.Message}. Start it, or correct Store__ConnectionString.");
            }
        }
    }

    /// <exception cref="SettingsException">The store's secrets are sealed under another key.</exception>
    private async Task CheckKeyEncryptionKey(CancellationToken ct)
    {
        try
        {
            await secrets.Open(ct);
        }
        catch (CryptographicException)
        {
            throw new SettingsException("The store's secrets are sealed under another key-encryption key: set Secrets__KeyEncryptionKey to the one it was made with, or name that one in Secrets__PreviousKeyEncryptionKeys to rotate it.");
        }
    }

    /// <summary>Row level security does not hold a superuser: the second wall between tenants would be missing, unnoticed.</summary>
    private async Task CheckRole(CancellationToken ct)
    {
        var bypasses = await db.Query("select rolsuper or rolbypassrls from pg_roles where rolname = current_user", row => row.GetBoolean(0), ct);
        if (bypasses is [true]) LogBypass();
    }

    /// <summary>A 202 is on disk only if PostgreSQL's commit is.</summary>
    private async Task CheckDurability(CancellationToken ct)
    {
        foreach (var setting in await db.Query("select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name", row => row.GetString(0), ct))
            LogNotDurable(setting);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "PostgreSQL runs with {Setting}=off: mail that was accepted with a 202 can be lost in a crash; set it to on")]
    private partial void LogNotDurable(string setting);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database role bypasses row level security: connect as an ordinary role that owns the tables.")]
    private partial void LogBypass();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The schema is not up to date yet: {Obstacle}")]
    private partial void LogNotYet(string obstacle);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A migration found a table in use and tries again: {Error}")]
    private partial void LogTableInUse(string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Key} leads over a network in clear text: whoever is on it sees passwords and ids; use TLS")]
    private partial void LogClearText(string key);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store cannot be reached yet: {Error}")]
    private partial void LogWaiting(string error);
}
