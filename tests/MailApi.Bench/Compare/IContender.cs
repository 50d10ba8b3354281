namespace MailApi.Bench;

/// <summary>Something that takes mail, signs it and delivers it.</summary>
internal interface IContender : IAsyncDisposable
{
    string Name { get; }

    /// <summary>What a reader must know to judge the figures: versions, and what was tuned.</summary>
    string Setup { get; }

    /// <summary>Processes whose processor time is worth telling apart.</summary>
    IEnumerable<(string Name, int Pid)> Processes { get; }

    /// <summary>The names of the DKIM records that its signatures need, with what belongs there.</summary>
    IReadOnlyDictionary<string, string> KeyRecords { get; }

    /// <summary>Sends so many messages, as fast as they are taken.</summary>
    Generator Send(int messages, string label);

    /// <summary>Waits until it has noted that everything was delivered.</summary>
    Task WaitUntilRecorded();
}

/// <summary>What every contender gets: the same mail for the same receivers.</summary>
/// <param name="SinkPort">Of the receiving server, on every address of 127.0.0.0/8.</param>
/// <param name="Domains">As many sending domains, each with a key of its own, and as many recipient domains.</param>
/// <param name="SizeBytes">Of a message.</param>
/// <param name="Connections">Of the generator.</param>
internal sealed record Course(int SinkPort, int Domains, int SizeBytes, int Connections)
{
    /// <summary>Each sending domain with the domain that it sends to and that one's mail host, where a peer is not asked to look it up.</summary>
    public IReadOnlyList<(string Sender, string Site, string Address)> Pairs =>
        [.. Enumerable.Range(0, Domains).Select(index => ($"mail0.shop{index}.example", $"site{index}.example", $"127.1.0.{index + 1}"))];
}
