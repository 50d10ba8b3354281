namespace MailApi.Mail.Routing;

/// <summary>
/// What an answer says about one name: the aliases from it onwards and the records at their end. Records of any other name are not in it:
/// nobody asked for them, and whoever sends them may be lying (RFC 5452 §6).
/// </summary>
/// <param name="End">The last name of the chain.</param>
/// <param name="Records">Of the type, owned by <paramref name="End"/>.</param>
/// <param name="Ttl">Seconds: the least of all records used; <see cref="uint.MaxValue"/> without any.</param>
/// <param name="Hops">Aliases followed.</param>
/// <param name="Loops">It comes back to itself, or has no end within <see cref="HopsMax"/>.</param>
internal sealed record AliasChain(string End, IReadOnlyList<ResourceRecord> Records, uint Ttl, int Hops, bool Loops)
{
    /// <summary>Resolvers follow 8 to 16.</summary>
    public const int HopsMax = 10;

    public static AliasChain Follow(IReadOnlyList<ResourceRecord> answers, string name, RecordType type)
    {
        var ttl = uint.MaxValue;
        var hops = 0;
        var seen = new HashSet<string> { name };
        while (type != RecordType.Cname && answers.FirstOrDefault(record => record.Type == RecordType.Cname && record.Name == name) is { } alias)
        {
            (name, ttl) = (RecordData.Name(alias), Math.Min(ttl, alias.Ttl));
            if (++hops > HopsMax || !seen.Add(name)) return new AliasChain(name, [], ttl, hops, Loops: true);
        }
        List<ResourceRecord> records = [.. answers.Where(record => record.Type == type && record.Name == name)];
        foreach (var record in records) ttl = Math.Min(ttl, record.Ttl);
        return new AliasChain(name, records, ttl, hops, Loops: false);
    }
}
