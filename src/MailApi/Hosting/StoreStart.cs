using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using MailApi.Storage;

namespace MailApi.Hosting;

/// <summary>
/// Runs before everything else: waits for the store, brings its schema up to date, and makes sure that this process holds the key under
/// which the store's secrets are sealed.
/// </summary>
internal sealed partial class StoreStart(Settings settings, LocalFiles files, Db db, Vault vault, TimeProvider time, ILogger<StoreStart> log) : IHostedService, IDisposable
{
    /// <summary>How long a start waits for the store: a cluster's parts come up in any order.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private FileStream? fileLock;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Store.Provider == StoreProvider.Sqlite) fileLock = files.Lock();
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                Store.Migrate(settings.Store, files.Directory);
                break;
            }
            catch (Exception e) when (e is DbException && time.GetElapsedTime(started) < Patience)
            {
                LogWaiting(e.Message);
                await Task.Delay(Between, time, cancellationToken);
            }
        }
        await CheckKeyEncryptionKey(cancellationToken);
        if (settings.Store.Provider == StoreProvider.PostgreSql) await CheckRole(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => fileLock?.Dispose();

    /// <exception cref="SettingsException">The store's secrets are sealed under another key.</exception>
    private async Task CheckKeyEncryptionKey(CancellationToken ct)
    {
        const string Name = "key-encryption-key-check";
        var probe = vault.Seal(Encoding.UTF8.GetBytes(Name), "settings", Guid.Empty, Name);
        await db.Execute("insert into settings (name, value) values (@name, @value) on conflict do nothing", ct, ("name", Name), ("value", probe));
        var stored = await db.Query("select value from settings where name = @name", row => row.Bytes(0), ct, ("name", Name));
        try
        {
            vault.Open(stored[0], "settings", Guid.Empty, Name);
        }
        catch (CryptographicException)
        {
            throw new SettingsException("The store's secrets are sealed under another key-encryption key: set Secrets__KeyEncryptionKey to the one it was made with.");
        }
    }

    /// <summary>Row level security does not hold a superuser: the second wall between tenants would be missing, unnoticed.</summary>
    private async Task CheckRole(CancellationToken ct)
    {
        var bypasses = await db.Query("select rolsuper or rolbypassrls from pg_roles where rolname = current_user", row => row.GetBoolean(0), ct);
        if (bypasses is [true]) LogBypass();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database role bypasses row level security: connect as an ordinary role that owns the tables.")]
    private partial void LogBypass();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store cannot be reached yet: {Error}")]
    private partial void LogWaiting(string error);
}
