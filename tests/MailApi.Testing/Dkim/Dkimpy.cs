using System.Text.Json;

namespace MailApi.Testing;

/// <summary>The verifier of Debian's <c>python3-dkim</c>, which shares no code with ours.</summary>
public static class Dkimpy
{
    private const string Script = """
        import base64, dkim, json, sys
        asked = json.load(sys.stdin)
        records = {name.encode(): value.encode() for name, value in asked["keys"].items()}
        def record(name, timeout=5): return records.get(name.rstrip(b"."))
        for message in asked["messages"]:
            try: print("pass" if dkim.DKIM(base64.b64decode(message)).verify(dnsfunc=record) else "fail")
            except Exception as error: print("fail:", repr(error).replace("\n", " "))
        """;

    /// <summary>What it says of the first signature of each message: <c>pass</c>, or something that begins with <c>fail</c>.</summary>
    /// <param name="keys">The TXT records of the selectors, by name.</param>
    /// <param name="messages">As received, with CRLF.</param>
    /// <param name="ct">Ends the wait.</param>
    public static async Task<IReadOnlyList<string>> VerifyAsync(IReadOnlyDictionary<string, string> keys, IEnumerable<byte[]> messages, CancellationToken ct)
    {
        var asked = JsonSerializer.Serialize(new { keys, messages });
        var answer = await Command.RunAsync(new Launch("/usr/bin/python3", "-c", Script), ct, asked);
        return answer.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
