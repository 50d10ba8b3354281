using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;

namespace MailApi.Tests.Http;

/// <summary>What a thief of the disk would read.</summary>
internal static class DataFiles
{
    /// <summary>The files under a directory that hold one of these texts, octet for octet; the store with its log is among those looked at.</summary>
    public static IReadOnlyList<string> Containing(string directory, SearchValues<string> texts)
    {
        // When the last connection closes, the log's files vanish: one of our own keeps them while they are read.
        using var connection = new SqliteConnection($"Data Source={Directory.GetFiles(directory, "*.db").Single()}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "select count(*) from tenants";
        command.ExecuteScalar();

        var files = Directory.GetFiles(directory, "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => file.EndsWith(".db", StringComparison.Ordinal));
        Assert.Contains(files, file => file.EndsWith(".db-wal", StringComparison.Ordinal));
        return [.. files.Where(file => Read(file).AsSpan().ContainsAny(texts))];
    }

    /// <summary>Octets as characters, so that texts can be searched for many at a time.</summary>
    public static string Text(ReadOnlySpan<byte> octets) => Encoding.Latin1.GetString(octets);

    private static string Read(string file)
    {
        try
        {
            // SQLite has them open in this same process. Closing drops the process's POSIX locks, on which only a second process would depend.
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1, detectEncodingFromByteOrderMarks: false);
            return reader.ReadToEnd();
        }
        catch (IOException) when (Path.GetFileName(file) == "lock")
        {
            return "";
        }
    }
}
