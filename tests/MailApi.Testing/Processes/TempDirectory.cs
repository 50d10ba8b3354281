namespace MailApi.Testing;

/// <summary>A directory that goes away with its owner. Other users may pass through it, since some servers change to their own user.</summary>
public sealed class TempDirectory : IDisposable
{
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public string Path { get; } = Directory.CreateTempSubdirectory("mailapi-test-").FullName;

    public TempDirectory() => File.SetUnixFileMode(Path, Passable);

    /// <summary>The path of an entry, which need not exist.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a directory in this one that other users may pass through, and returns its path.</summary>
    public string Create(string name)
    {
        var path = Directory.CreateDirectory(this[name]).FullName;
        File.SetUnixFileMode(path, Passable);
        return path;
    }

    /// <summary>Writes a text file and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A process that is being killed may still write into it; what is left is in the system's temporary directory.
        }
    }
}
