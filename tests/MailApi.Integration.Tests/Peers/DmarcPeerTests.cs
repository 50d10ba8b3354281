using System.Text.Json;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Routing;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Peers;

/// <summary>
/// The cases of <c>testdata/dmarc/peer.txt</c> judged by Debian's libopendmarc, which asks the same DNS server. It implements RFC 7489: what
/// RFC 9989 changed differs, and the file says so, case by case.
/// </summary>
public sealed class DmarcPeerTests : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests/MailApi.Mail.Tests/testdata/dmarc");

    private const string Script = """
        import ctypes, json, socket, struct, sys
        class Library(ctypes.Structure):
            _fields_ = [("type", ctypes.c_int), ("file", ctypes.c_char * 4096), ("servers", ctypes.c_int), ("addresses", ctypes.c_ubyte * 48)]
        asked = json.load(sys.stdin)
        lib = ctypes.CDLL("libopendmarc.so.2")
        init = Library(1, asked["suffixes"].encode(), 1)
        address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", asked["port"]) + socket.inet_aton("127.0.0.1")
        ctypes.memmove(init.addresses, address, len(address))
        if lib.opendmarc_policy_library_init(ctypes.byref(init)) != 0: sys.exit("library_init")
        lib.opendmarc_policy_connect_init.restype = ctypes.c_void_p
        outcomes = {"none": 0, "pass": 1, "fail": 2, "temperror": 3}
        words = {14: "none", 15: "pass", 16: "reject", 17: "quarantine", 18: "monitor"}
        for case in asked["cases"]:
            policy = ctypes.c_void_p(lib.opendmarc_policy_connect_init(b"192.0.2.1", 4))
            lib.opendmarc_policy_store_from_domain(policy, case["author"].encode())
            lib.opendmarc_policy_store_spf(policy, case["spfDomain"].encode(), outcomes[case["spf"]], 1, None)
            lib.opendmarc_policy_store_dkim(policy, case["dkimDomain"].encode(), b"s", outcomes[case["dkim"]], None)
            lib.opendmarc_policy_query_dmarc(policy, case["author"].encode())
            said = lib.opendmarc_get_policy_to_enforce(policy)
            print(words.get(said, "error %d" % said))
            lib.opendmarc_policy_connect_shutdown(policy)
        """;

    private readonly DnsZone zone = DnsZone.Start();

    /// <summary>
    /// "record" rows are the zone; "case" rows hold the author, SPF's domain and result, DKIM's domain and result, our verdict, and the peer's
    /// where it is another, with its reason.
    /// </summary>
    [Fact]
    public async Task Libopendmarc_agrees_but_where_it_is_explained()
    {
        var ct = TestContext.Current.CancellationToken;
        var rows = File.ReadLines(Path.Combine(Folder, "peer.txt")).Where(line => line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal)).Select(line => line.Split('\t')).ToList();
        foreach (var row in rows.Where(row => row[0] == "record")) zone.Txt($"_dmarc.{row[1]}", row[2]).A(row[1], "192.0.2.1");
        var cases = rows.Where(row => row[0] == "case").ToList();
        using var directory = new TempDirectory();
        var asked = JsonSerializer.Serialize(new
        {
            // RFC 7489 found organizations by a list of public suffixes; this is all of it here.
            suffixes = directory.Write("suffixes", "com\nexample\n"),
            port = zone.EndPoint.Port,
            cases = cases.Select(row => new { author = row[1], spfDomain = row[2], spf = row[3], dkimDomain = row[4], dkim = row[5] }),
        });
        var output = await Command.RunAsync(new Launch("/usr/bin/python3", "-c", Script), ct, asked);
        var theirs = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(zone.Questions, question => question.Name == "_dmarc.plain.example");

        var dmarc = new Dmarc(new DnsResolver(new DnsOptions { Servers = [zone.EndPoint] }, TimeProvider.System));
        var found = new List<string>();
        for (var i = 0; i < cases.Count; i++)
        {
            var row = cases[i];
            var verdict = await dmarc.Check(row[1], new SpfVerdict(Result(row[3]), row[2], 0, ""), [new SignatureVerdict(row[4], "s", "rsa-sha256", Result(row[5]), null)], ct);
            var ours = verdict.Result != AuthenticationResult.Fail ? verdict.Result.Word() : verdict.Disposition == DmarcPolicy.None ? "monitor" : verdict.Disposition.Word();
            found.Add(string.Join(' ', [.. row[1..6], ours, ours == theirs[i] ? "=" : theirs[i]]));
        }
        Assert.Equal(string.Join('\n', cases.Select(row => string.Join(' ', row[1..8]))), string.Join('\n', found));
        Assert.All(cases.Where(row => row[7] != "="), row => Assert.True(row.Length > 8, $"{row[1]}: no reason for the difference"));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => zone.DisposeAsync();

    private static AuthenticationResult Result(string word) => Enum.Parse<AuthenticationResult>(word, ignoreCase: true);
}
