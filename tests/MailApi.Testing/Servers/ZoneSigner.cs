namespace MailApi.Testing;

/// <summary>The key of a zone.</summary>
/// <param name="File">Where it lies, without extension.</param>
/// <param name="Ds">The line that belongs into the parent zone.</param>
public sealed record ZoneSigningKey(string File, string Ds)
{
    /// <summary>Key tag, algorithm, digest type, digest.</summary>
    public string Digest => Ds[(Ds.IndexOf("DS", StringComparison.Ordinal) + 2)..].Trim();
}

/// <summary>Makes keys and signs zones with NLnet Labs' ldns.</summary>
public sealed class ZoneSigner : IDisposable
{
    private readonly TempDirectory _directory = new();
    private int _zones;

    /// <param name="origin">The zone, with a dot at its end.</param>
    /// <param name="algorithm">By its mnemonic (<c>ldns-keygen -a list</c>).</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<ZoneSigningKey> KeyAsync(string origin, string algorithm, CancellationToken ct)
    {
        string[] size = algorithm.StartsWith("RSA", StringComparison.Ordinal) ? ["-b", "2048"] : [];
        var launch = new Launch("ldns-keygen", ["-a", algorithm, .. size, "-k", "-r", "/dev/urandom", origin]) { WorkingDirectory = _directory.Path };
        var file = _directory[(await Command.RunAsync(launch, ct)).Trim()];
        return new ZoneSigningKey(file, (await File.ReadAllTextAsync(file + ".ds", ct)).Trim());
    }

    /// <param name="origin">The zone, with a dot at its end.</param>
    /// <param name="zoneText">With an SOA record.</param>
    /// <param name="key">Signs everything.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <param name="options">Of <c>ldns-signzone</c>, such as <c>-n</c> for NSEC3.</param>
    /// <returns>The signed zone.</returns>
    public async Task<string> SignAsync(string origin, string zoneText, ZoneSigningKey key, CancellationToken ct, params IReadOnlyList<string> options)
    {
        var file = _directory.Write($"zone{++_zones}", zoneText);
        await Command.RunAsync(new Launch("ldns-signzone", ["-o", origin, "-f", file + ".signed", .. options, file, key.File]), ct);
        return await File.ReadAllTextAsync(file + ".signed", ct);
    }

    public void Dispose() => _directory.Dispose();
}
