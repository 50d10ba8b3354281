namespace MailApi.Testing;

/// <summary>The verifier of OpenDKIM, which shares no code with ours.</summary>
public static class OpenDkim
{
    /// <summary>What it says of each message: <c>pass</c>, or the line that says why not.</summary>
    /// <inheritdoc cref="Dkimpy.VerifyAsync"/>
    public static async Task<IReadOnlyList<string>> VerifyAsync(IReadOnlyDictionary<string, string> keys, IEnumerable<byte[]> messages, CancellationToken ct)
    {
        using var directory = new TempDirectory();
        // TestDNSData takes the place of DNS (opendkim.conf(5)).
        var records = directory.Write("records", string.Concat(keys.Select(key => $"{key.Key} {key.Value}\n")));
        var configuration = directory.Write("opendkim.conf", $"Mode v\nTestDNSData file:{records}\n");
        var files = new List<string>();
        foreach (var message in messages)
        {
            files.Add(directory[$"{files.Count}.eml"]);
            await File.WriteAllBytesAsync(files[^1], message, ct);
        }
        // It ends with 0 whatever it finds, and writes a line for each file, behind the file's name.
        var output = await Command.RunAsync(new Launch("opendkim", "-x", configuration, "-t", string.Join(',', files)), ct);
        var lines = output.Split('\n');
        return [.. files.Select(file => lines.FirstOrDefault(line => line.Contains($"{file}: ", StringComparison.Ordinal)) switch
        {
            null => "not a word",
            var line when line.EndsWith(" succeeded", StringComparison.Ordinal) => "pass",
            var line => line,
        })];
    }
}
