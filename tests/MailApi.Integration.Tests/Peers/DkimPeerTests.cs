using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Peers;

/// <summary>
/// The messages of <c>testdata/dkim</c> verified by Debian's dkimpy and OpenDKIM: what they conclude otherwise than we stands in <c>peers.txt</c>
/// there, with its reason, and nothing else may differ.
/// </summary>
public class DkimPeerTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests/MailApi.Mail.Tests/testdata/dkim");

    [Fact]
    public async Task Both_peers_agree_but_where_it_is_explained()
    {
        var ct = TestContext.Current.CancellationToken;
        var keys = Rows("keys.txt").ToDictionary(row => $"{row[0]}._domainkey.{row[1]}", row => row[2]);
        var names = Directory.GetFiles(Folder, "*.eml").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal).ToList();
        var messages = names.Select(name => RawLineEnds(File.ReadAllBytes(Path.Combine(Folder, $"{name}.eml")))).ToList();

        var dkimpy = await Dkimpy.VerifyAsync(keys, messages, ct);
        var openDkim = new List<string>();
        foreach (var message in messages) openDkim.Add(await AskOpenDkim(keys, message, ct));
        Assert.Equal((names.Count, names.Count), (dkimpy.Count, openDkim.Count));

        List<string> differences = [];
        for (var i = 0; i < names.Count; i++)
        {
            var verdicts = await Verifier.Verify(messages[i], (selector, domain, _) => Task.FromResult(keys.GetValueOrDefault($"{selector}._domainkey.{domain}")), ct);
            // dkimpy looks at the first signature, OpenDKIM at all of them until one holds.
            if ((dkimpy[i] == "pass") != (verdicts is [{ Result: AuthenticationResult.Pass }, ..])) differences.Add($"{names[i]} dkimpy {Word(dkimpy[i])}");
            if ((openDkim[i] == "pass") != verdicts.Any(verdict => verdict.Result == AuthenticationResult.Pass)) differences.Add($"{names[i]} opendkim {Word(openDkim[i])}");
        }
        Assert.Equal(Rows("peers.txt").Select(row => $"{row[0]} {row[1]} {row[2]}").Order(StringComparer.Ordinal), differences.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Ed25519_signatures_of_ours_verify_in_dkimpy()
    {
        using var key = SigningKey.Generate(SigningAlgorithm.Ed25519Sha256);
        var message = "From: Shop <orders@shop.example>\r\nSubject: Order\r\n\r\nHello Ann.\r\n"u8.ToArray();
        byte[] signed = [.. new Signer("shop.example", "e1", key, TimeProvider.System).Sign(message), .. message];
        byte[] changed = [.. signed, .. "more\r\n"u8];
        var keys = new Dictionary<string, string> { ["e1._domainkey.shop.example"] = SigningKey.Record(key.ExportPublic()) };
        var verdicts = await Dkimpy.VerifyAsync(keys, [signed, changed], TestContext.Current.CancellationToken);
        Assert.Equal(["pass", "fail"], verdicts.Select(Word));
    }

    /// <summary>One message at a time: at one that it cannot parse it ends, and with an error.</summary>
    private static async Task<string> AskOpenDkim(Dictionary<string, string> keys, byte[] message, CancellationToken ct)
    {
        try
        {
            return (await OpenDkim.VerifyAsync(keys, [message], ct))[0];
        }
        catch (InvalidOperationException failed)
        {
            return $"fail: {failed.Message}";
        }
    }

    private static string Word(string said) => said == "pass" ? "pass" : "fail";

    /// <summary>As it would come over SMTP: the peers take bare LFs for what they are.</summary>
    private static byte[] RawLineEnds(byte[] message) =>
        System.Text.Encoding.Latin1.GetBytes(System.Text.RegularExpressions.Regex.Replace(System.Text.Encoding.Latin1.GetString(message), "(?<!\r)\n", "\r\n"));

    private static IEnumerable<string[]> Rows(string name) =>
        File.ReadLines(Path.Combine(Folder, name)).Where(line => line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal)).Select(line => line.Split('\t'));
}
