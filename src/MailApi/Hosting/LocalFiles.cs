using System.Security.Cryptography;
using System.Text;
using MailApi.Storage;

namespace MailApi.Hosting;

/// <summary>What a process keeps in its <c>DataDirectory</c>, readable by its user alone. The directory is made with the first file.</summary>
internal sealed class LocalFiles(string directory)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Directory { get; } = Path.GetFullPath(directory);

    /// <summary>The key-encryption key: the configured one, else the generated file's. Without it no secret in the store can be opened.</summary>
    public byte[] KeyEncryptionKey(string? configured) =>
        Convert.FromBase64String(configured ?? Text("key-encryption-key", () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Vault.KeyBytes))));

    /// <summary>The content of a file, made at the first use.</summary>
    public string Text(string name, Func<string> make)
    {
        var path = Path.Combine(Directory, name);
        if (!File.Exists(path)) Write(path, make());
        return File.ReadAllText(path).Trim();
    }

    /// <summary>The content of a file, or null where there is none.</summary>
    public string? TextOrNull(string name) => File.Exists(Path.Combine(Directory, name)) ? File.ReadAllText(Path.Combine(Directory, name)).Trim() : null;

    public void Save(string name, string text) => Write(Path.Combine(Directory, name), text);

    /// <summary>Keeps a second process off a store with one writer; held until the process ends.</summary>
    /// <exception cref="SettingsException">Another process has it.</exception>
    public FileStream Lock()
    {
        CreateDirectory();
        try
        {
            return new FileStream(Path.Combine(Directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new SettingsException($"The store in {Directory} is in use by another process. Stop it, or choose another DataDirectory.");
        }
    }

    /// <summary>One that is there keeps its mode: whoever made it may have given it to a group.</summary>
    private void CreateDirectory()
    {
        if (OperatingSystem.IsWindows()) System.IO.Directory.CreateDirectory(Directory);
        else System.IO.Directory.CreateDirectory(Directory, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>Whole or not at all: written beside, then renamed.</summary>
    private void Write(string path, string text)
    {
        CreateDirectory();
        var beside = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(beside, options))
        {
            file.Write(Encoding.UTF8.GetBytes(text + "\n"));
            file.Flush(flushToDisk: true);
        }
        File.Move(beside, path, overwrite: true);
    }
}
