namespace MailApi.Testing;

/// <summary>A file system of a few megabytes in memory, to be filled. Mounting one is root's.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private const int BlockBytes = 64 * 1024;
    private readonly TempDirectory? _directory;

    private SmallDisk(string? path)
    {
        if (path is null) _directory = new TempDirectory();
        Path = path ?? _directory!.Create("disk");
    }

    /// <summary>Whether this process may mount one.</summary>
    public static bool IsPossible => ProcessTree.RunsAsRoot && OperatingSystem.IsLinux();

    public string Path { get; }

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    /// <summary>Mounts an empty one at a place of its own.</summary>
    /// <exception cref="InvalidOperationException">It may not be mounted.</exception>
    public static Task<SmallDisk> MountAsync(int megabytes, CancellationToken ct) => MountAsync(null, megabytes, ct);

    /// <summary>Mounts an empty one over a directory; what is in that is out of sight until the disk is disposed.</summary>
    /// <inheritdoc cref="MountAsync(int, CancellationToken)"/>
    public static async Task<SmallDisk> MountAsync(string? path, int megabytes, CancellationToken ct)
    {
        var disk = new SmallDisk(path);
        await Command.RunAsync(new Launch("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=755", "mailapi-test", disk.Path), ct);
        return disk;
    }

    /// <summary>Takes all the room that is left but this.</summary>
    public void Fill(int bytesLeft)
    {
        var block = new byte[BlockBytes];
        using var ballast = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var length = block.Length; length > 0;)
        {
            try
            {
                if (new DriveInfo(Path).AvailableFreeSpace - length >= bytesLeft) ballast.Write(block, 0, length);
                else length /= 2;
            }
            catch (IOException)
            {
                // No room for so much; perhaps for less.
                length /= 2;
            }
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void Clear() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        // Lazily: what still has a file open there, being killed, is no reason to fail.
        await Command.RunAsync(new Launch("umount", "-l", Path), CancellationToken.None);
        _directory?.Dispose();
    }
}
