using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Peers;

/// <summary>Chains that Debian's dkimpy sealed, whole and damaged, judged by it and by us. The differences stand here with their reasons.</summary>
public class ArcPeerTests
{
    private const string Message = "From: Shop <orders@shop.example>\r\nTo: list@example.net\r\nSubject: Order\r\nDate: Tue, 24 Nov 2026 09:30:00 +0000\r\nMessage-ID: <1@shop.example>\r\n\r\nHello Ann.\r\n";

    private const string SealScript = """
        import base64, dkim, json, sys
        asked = json.load(sys.stdin)
        message = base64.b64decode(asked["message"])
        for i in range(asked["sets"]):
            relay = b"mx%d.example" % (i + 1)
            message = b"Authentication-Results: %s; arc=%s; spf=pass smtp.mfrom=a@shop.example\r\n" % (relay, b"none" if i == 0 else b"pass") + message
            message = b"".join(dkim.arc_sign(message, b"s1", b"relay.example", asked["key"].encode(), relay)) + message
            print(base64.b64encode(message).decode())
        """;

    private const string VerifyScript = """
        import base64, dkim, json, sys
        asked = json.load(sys.stdin)
        records = {name.encode(): value.encode() for name, value in asked["keys"].items()}
        for message in asked["messages"]:
            try: print(dkim.arc_verify(base64.b64decode(message), dnsfunc=lambda name, timeout=5: records.get(name.rstrip(b".")))[0].decode())
            except Exception as error: print("fail:", repr(error).replace("\n", " "))
        """;

    /// <summary>What becomes of a chain of three, and why dkimpy says something else where it does.</summary>
    private static readonly (string Name, Func<string, string> Change, string? PeerDiffers)[] Changes =
    [
        ("nothing", chain => chain, null),
        ("body", chain => chain + "more\r\n", null),
        ("subject", chain => chain.Replace("Subject: Order", "Subject: Odder", StringComparison.Ordinal), null),
        ("results of 1", chain => chain.Replace("ARC-Authentication-Results: i=1; mx1.example; arc=none", "ARC-Authentication-Results: i=1; mx1.example; arc=pass", StringComparison.Ordinal), null),
        ("seal 3 removed", chain => Without(chain, "ARC-Seal: i=3;"), null),
        ("signature 2 removed", chain => Without(chain, "ARC-Message-Signature: i=2;"), null),
        ("results 1 removed", chain => Without(chain, "ARC-Authentication-Results: i=1;"), null),
        ("set 2 removed", chain => Without(Without(Without(chain, "ARC-Seal: i=2;"), "ARC-Message-Signature: i=2;"), "ARC-Authentication-Results: i=2;"), null),
        ("set 3 removed", chain => Without(Without(Without(chain, "ARC-Seal: i=3;"), "ARC-Message-Signature: i=3;"), "ARC-Authentication-Results: i=3;"), null),
        ("all removed", chain => Message, null),
        ("cv of 3", chain => chain.Replace("ARC-Seal: i=3; cv=pass", "ARC-Seal: i=3; cv=fail", StringComparison.Ordinal), null),
        ("cv of 1", chain => chain.Replace("ARC-Seal: i=1; cv=none", "ARC-Seal: i=1; cv=pass", StringComparison.Ordinal), null),
        ("a field added that nobody signed", chain => chain.Replace("To: list", "X-Loop: 1\r\nTo: list", StringComparison.Ordinal), null),
    ];

    [Fact]
    public async Task Chains_sealed_by_dkimpy_get_the_verdict_that_dkimpy_gives_them()
    {
        var ct = TestContext.Current.CancellationToken;
        using var rsa = RSA.Create(2048);
        var record = SigningKey.Record(rsa.ExportSubjectPublicKeyInfo());
        var asked = JsonSerializer.Serialize(new { message = Encoding.ASCII.GetBytes(Message), sets = 3, key = rsa.ExportRSAPrivateKeyPem() });
        var sealedOnes = Lines(await Command.RunAsync(new Launch("/usr/bin/python3", "-c", SealScript), ct, asked)).Select(line => Encoding.ASCII.GetString(Convert.FromBase64String(line))).ToList();
        Assert.Equal(3, sealedOnes.Count);

        List<(string Name, string Text)> cases = [.. sealedOnes.Take(2).Select((text, i) => ($"{i + 1} sets", text)), .. Changes.Select(change => (change.Name, change.Change(sealedOnes[2])))];
        var keys = new Dictionary<string, string> { ["s1._domainkey.relay.example"] = record };
        asked = JsonSerializer.Serialize(new { keys, messages = cases.Select(one => Encoding.ASCII.GetBytes(one.Text)) });
        var theirs = Lines(await Command.RunAsync(new Launch("/usr/bin/python3", "-c", VerifyScript), ct, asked));

        await using var zone = DnsZone.Start();
        zone.Txt("s1._domainkey.relay.example", record);
        var dns = new DnsResolver(new DnsOptions { Servers = [zone.EndPoint] }, TimeProvider.System);
        List<ArcVerdict> ours = [];
        foreach (var (_, text) in cases) ours.Add(await ArcChain.Verify(Encoding.ASCII.GetBytes(text), dns, TimeProvider.System, ct));

        var differing = cases.Zip(ours, theirs).Where(one => one.Second.Result.Word() != one.Third.Split(':')[0])
            .Select(one => $"{one.First.Name}: {one.Second.Result.Word()} ({one.Second.Reason}), dkimpy {one.Third}");
        var explained = Changes.Where(change => change.PeerDiffers is not null).Select(change => change.PeerDiffers!);
        Assert.Equal(explained, differing);
        Assert.Equal(["pass", "pass", "pass", "fail"], ours.Take(4).Select(verdict => verdict.Result.Word()));
        Assert.All(cases.Skip(3), one => Assert.NotEqual(sealedOnes[2], one.Text));
    }

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Takes a whole field out.</summary>
    private static string Without(string message, string beginning)
    {
        var start = message.IndexOf(beginning, StringComparison.Ordinal);
        Assert.True(start >= 0, $"{beginning} is not there");
        var end = start;
        do end = message.IndexOf("\r\n", end, StringComparison.Ordinal) + 2;
        while (message[end] is ' ' or '\t');
        return message.Remove(start, end - start);
    }
}
