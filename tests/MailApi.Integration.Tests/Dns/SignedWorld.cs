using System.Text;
using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Dns;

/// <summary>A root of our own and zones below it, signed well, badly and not at all, served by NSD.</summary>
public sealed class SignedWorld : IAsyncLifetime
{
    private const string Apex = "$TTL 60\n@ IN SOA ns.zz. hostmaster.zz. 1 3600 600 86400 60\n@ IN NS ns.zz.\n";

    private const string Content = """
        @ IN TXT "hello"
        @ IN MX 10 MX
        mx IN A 127.0.0.1
        _25._tcp.mx IN TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
        *.wild IN TXT "wild"
        there.wild IN A 127.0.0.1
        alias IN CNAME mx
        out IN CNAME mx.insecure.test.
        broken IN CNAME mx.wrongds.test.
        loop IN CNAME pool
        pool IN CNAME loop
        old IN DNAME new
        www.new IN A 127.0.0.1
        a.b.c IN A 127.0.0.1

        """;

    private readonly ZoneSigner _signer = new();
    private readonly List<(string Origin, string Text)> _zones = [];
    private ZoneSigningKey? _root;
    private NsdServer? _nsd;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public NsdServer Nsd => _nsd!;

    public TrustAnchor Anchor => TrustAnchor.TryParse(_root!.Digest, out var anchor) ? anchor : throw new FormatException(_root.Digest);

    /// <summary>The anchor in the form of <c>delv -a</c>.</summary>
    public string AnchorForDelv
    {
        get
        {
            var words = _root!.Digest.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return $"trust-anchors {{ . static-ds {words[0]} {words[1]} {words[2]} \"{words[3]}\"; }};\n";
        }
    }

    public DnsOptions Options => new()
    {
        Servers = [Nsd.EndPoint],
        Timeout = TimeSpan.FromSeconds(10),
        Retries = 0,
        TrustAnchors = [Anchor],
        AuthorityPort = Nsd.Port,
        AllowPrivateNetworks = true,
    };

    public async ValueTask InitializeAsync()
    {
        var test = new StringBuilder();
        foreach (var (name, algorithm, options) in (IEnumerable<(string, string, string[])>)
        [
            ("secure", "ED25519", []),
            ("rsa", "RSASHA512", []),
            ("expired", "ECDSAP384SHA384", ["-i", "20200101000000", "-e", "20200201000000"]),
            ("future", "ECDSAP384SHA384", ["-i", "20900101000000", "-e", "20900201000000"]),
            ("nsec3", "ECDSAP256SHA256", ["-n", "-t", "5", "-s", "abcd"]),
            ("costly", "ECDSAP256SHA256", ["-n", "-t", "200"]),
            ("optout", "ECDSAP256SHA256", ["-n", "-p"]),
            ("sha1", "RSASHA1", []),
        ])
        {
            var key = await _signer.KeyAsync($"{name}.test.", algorithm, Ct);
            // An unsigned zone begins here, too.
            await Sign($"{name}.test.", Content + "sub IN NS ns.zz.\n", key, options);
            test.Append($"{name} IN NS ns.zz.\n{key.Ds}\n");
        }
        foreach (var name in (string[])["sub.secure.test.", "sub.optout.test.", "insecure.test."]) _zones.Add((name, Apex + Content));
        test.Append("insecure IN NS ns.zz.\n");
        await Tampered(test);
        await WrongDs(test);

        var testKey = await _signer.KeyAsync("test.", "ECDSAP256SHA256", Ct);
        await Sign("test.", test.ToString(), testKey);
        _root = await _signer.KeyAsync(".", "RSASHA256", Ct);
        await Sign(".", $"test. IN NS ns.zz.\nzz. IN NS ns.zz.\nns.zz. IN A 127.0.0.1\n{testKey.Ds}\n", _root);
        _nsd = await NsdServer.StartAsync(Ct, _zones);
    }

    public async ValueTask DisposeAsync()
    {
        if (_nsd is not null) await _nsd.DisposeAsync();
        _signer.Dispose();
    }

    private async Task Sign(string origin, string content, ZoneSigningKey key, params IReadOnlyList<string> options) =>
        _zones.Add((origin, await _signer.SignAsync(origin, Apex + content, key, Ct, options)));

    /// <summary>One record is changed after signing.</summary>
    private async Task Tampered(StringBuilder parent)
    {
        var key = await _signer.KeyAsync("tampered.test.", "ECDSAP256SHA256", Ct);
        parent.Append($"tampered IN NS ns.zz.\n{key.Ds}\n");
        await Sign("tampered.test.", Content, key);
        _zones[^1] = (_zones[^1].Origin, _zones[^1].Text.Replace("\"hello\"", "\"hellO\"", StringComparison.Ordinal));
    }

    /// <summary>Signed with another key than the parent names.</summary>
    private async Task WrongDs(StringBuilder parent)
    {
        var other = await _signer.KeyAsync("wrongds.test.", "ECDSAP256SHA256", Ct);
        parent.Append($"wrongds IN NS ns.zz.\n{other.Ds}\n");
        await Sign("wrongds.test.", Content, await _signer.KeyAsync("wrongds.test.", "ECDSAP256SHA256", Ct));
    }
}
