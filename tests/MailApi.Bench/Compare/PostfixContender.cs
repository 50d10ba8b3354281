using System.Net.Sockets;
using System.Security.Cryptography;
using MailApi.Mail.Dkim;
using MailApi.Testing;

namespace MailApi.Bench;

/// <summary>Postfix with OpenDKIM as its milter: <c>smtp-source</c> → Postfix → its routes, which it need not look up.</summary>
internal sealed class PostfixContender : IContender
{
    private const string Selector = "bench";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(20);
    private readonly Course course;
    private readonly TempDirectory directory;
    private readonly ChildProcess milter;
    private readonly PostfixServer postfix;

    private PostfixContender(Course course, TempDirectory directory, ChildProcess milter, PostfixServer postfix, IReadOnlyDictionary<string, string> keyRecords, string versions)
    {
        (this.course, this.directory, this.milter, this.postfix, KeyRecords) = (course, directory, milter, postfix, keyRecords);
        Setup = $"{versions}; `smtp-source` with {course.Connections} sessions kept open, a process an address, no look-ups, no log, connections kept, no delay of input, {Concurrency} deliveries at a time";
    }

    /// <summary>On loopback, where nothing takes long, more would only wait for a core.</summary>
    private const int Concurrency = 100;

    public string Name => "Postfix + OpenDKIM";
    public string Setup { get; }
    public IReadOnlyDictionary<string, string> KeyRecords { get; }
    public IEnumerable<(string Name, int Pid)> Processes => [("Postfix", postfix.Process.Pid), ("OpenDKIM", milter.Pid)];

    public static async Task<PostfixContender> Start(Course course)
    {
        var directory = new TempDirectory();
        var (milterPort, records) = (FreePort.Next(), WriteKeys(course, directory));
        var milter = ChildProcess.Start(new Launch(Programs.OpenDkim.Path, "-f", "-x", Milter(directory, milterPort)), directory["opendkim.log"]);
        await milter.WaitUntilReadyAsync(async ct =>
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", milterPort, ct);
            return true;
        }, StartPatience, CancellationToken.None);
        var postfix = await PostfixServer.StartAsync(Settings(course, milterPort), CancellationToken.None);
        var versions = $"Postfix {await Programs.Version("postfix")}, OpenDKIM {await Programs.Version("opendkim")}";
        return new PostfixContender(course, directory, milter, postfix, records, versions);
    }

    public Generator Send(int messages, string label) =>
        Generator.SmtpSource(postfix.Port, [.. course.Pairs.Select(pair => (pair.Sender, pair.Site))], messages, course.Connections, course.SizeBytes, label);

    /// <summary>It has removed a message from its queue when it has the receiver's answer: a moment after the sink has counted it.</summary>
    public Task WaitUntilRecorded() => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await postfix.DisposeAsync();
        await milter.DisposeAsync();
        directory.Dispose();
    }

    private static Dictionary<string, string> WriteKeys(Course course, TempDirectory directory)
    {
        var records = new Dictionary<string, string>();
        var (keys, signing) = ("", "");
        foreach (var (sender, _, _) in course.Pairs)
        {
            using var rsa = RSA.Create(SigningKey.BitsDefault);
            var file = directory.Write($"{sender}.pem", rsa.ExportPkcs8PrivateKeyPem() + "\n");
            keys += $"{sender} {sender}:{Selector}:{file}\n";
            signing += $"{sender} {sender}\n";
            records[$"{Selector}._domainkey.{sender}"] = SigningKey.Record(rsa.ExportSubjectPublicKeyInfo());
        }
        directory.Write("keys", keys);
        directory.Write("signing", signing);
        return records;
    }

    private static string Milter(TempDirectory directory, int port) => directory.Write("opendkim.conf", $"""
        Mode s
        Socket inet:{port}@127.0.0.1
        KeyTable file:{directory["keys"]}
        SigningTable file:{directory["signing"]}
        Canonicalization relaxed/relaxed
        SignatureAlgorithm rsa-sha256
        OversignHeaders From
        RequireSafeKeys no
        Syslog no
        Background no
        """ + "\n");

    private static Dictionary<string, string> Settings(Course course, int milterPort) => new()
    {
        ["smtpd_milters"] = $"inet:127.0.0.1:{milterPort}",
        ["milter_default_action"] = "tempfail",
        ["mynetworks"] = "127.0.0.0/8",
        ["virtual_mailbox_domains"] = "",
        ["default_transport"] = "smtp",
        ["transport_maps"] = "inline:{ " + string.Join(", ", course.Pairs.Select(pair => $"{pair.Site}=smtp:[{pair.Address}]:{course.SinkPort}")) + " }",
        ["smtpd_tls_security_level"] = "none",
        ["smtp_tls_security_level"] = "none",
        // Nothing is looked up, nothing is logged, nothing waits but for the disk.
        ["disable_dns_lookups"] = "yes",
        ["smtp_dns_support_level"] = "disabled",
        ["maillog_file"] = "",
        ["in_flow_delay"] = "0",
        ["default_process_limit"] = "400",
        ["initial_destination_concurrency"] = $"{Concurrency}",
        ["default_destination_concurrency_limit"] = $"{Concurrency}",
        ["smtp_connection_cache_destinations"] = string.Join(", ", course.Pairs.Select(pair => $"[{pair.Address}]:{course.SinkPort}")),
        ["smtpd_client_connection_count_limit"] = "0",
        ["smtpd_client_connection_rate_limit"] = "0",
        ["smtpd_client_message_rate_limit"] = "0",
        ["smtpd_client_recipient_rate_limit"] = "0",
        ["anvil_rate_time_unit"] = "1d",
        ["max_use"] = "10000",
    };
}
