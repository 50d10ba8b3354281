using System.Net;
using System.Text.Json;

namespace MailApi.Testing;

/// <summary>The evaluator of Debian's <c>python3-spf</c>, which shares no code with ours.</summary>
public static class Pyspf
{
    // Its own driver treats the refusal of one server as an answer without records, and cannot be told a port: hence this one.
    private const string Script = """
        import dns.exception, dns.resolver, json, sys
        asked = json.load(sys.stdin)
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.timeout = [asked["host"]], asked["port"], asked["patience"]
        import spf
        def lookup(name, kind, strict=True, timeout=20):
            try: answers = resolver.resolve(name, kind, lifetime=asked["patience"], search=False)
            except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN): return []
            except (dns.exception.Timeout, dns.resolver.NoNameservers) as error: raise spf.TempError("DNS " + str(error))
            def value(data):
                if kind in ("A", "AAAA"): return data.address
                if kind == "MX": return (data.preference, data.exchange.to_text(True))
                if kind == "PTR": return data.target.to_text(True)
                return list(data.strings)
            return [((name, kind), value(data)) for data in answers]
        spf.DNSLookup = lookup
        for case in asked["cases"]:
            try: result = spf.check2(i=case["client"], s=case["mailFrom"], h=case["helo"])[0]
            except Exception as error: result = "crash"
            print(result)
        """;


    /// <summary>Its results in the order of the cases; <c>crash</c> where it raised an exception.</summary>
    public static async Task<IReadOnlyList<string>> CheckAsync(IPEndPoint dns, IEnumerable<SpfCase> cases, CancellationToken ct)
    {
        var asked = JsonSerializer.Serialize(new
        {
            host = dns.Address.ToString(),
            port = dns.Port,
            patience = 1,
            cases = cases.Select(one => new { client = one.ClientIp.ToString(), mailFrom = one.MailFrom, helo = one.Helo }),
        });
        var answer = await Command.RunAsync(new Launch("/usr/bin/python3", "-c", Script), ct, asked);
        return answer.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
