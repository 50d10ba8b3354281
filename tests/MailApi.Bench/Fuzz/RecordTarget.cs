using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Mail.Reports;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>The records and policies that domains publish: read or refused in words, and what is proposed in their place says what it must.</summary>
internal static class RecordTarget
{
    private const string Host = "relay.mail.test";
    private const string Mailbox = "reports@mail.test";
    private static readonly byte[] Digest = new byte[32];

    public static readonly byte[][] SpfSeeds =
    [
        .. Texts.Octets("v=spf1 -all", "v=spf1 include:_spf.example.net ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", "v=spf1 a mx:mail.example.net/24//64 ptr exists:%{ir}.%{v}._spf.%{d2} redirect=_spf.example.net",
            "v=spf1 ?include:%{l1r-}.%{o}._s.example.net exp=why.%{d} +all", "This host %{c} may not send for %{o}: see http://%{d}/%{S}?t=%{t}&r=%{r}%%%_%-"),
    ];
    public static readonly string[] SpfWords = ["%{", "}", "%{l1r-}", "%{D3R+}", "%%", "%_", "%-", "include:", "redirect=", "exp=", "ip4:", "ip6:::ffff:1.2.3.4", "/33", "//129", "//", "exists:", "ptr:", "mx/0", "v=spf1 ", " -all", "?all"];

    public static readonly byte[][] DmarcSeeds =
        Texts.Octets("v=DMARC1; p=none", "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=r; fo=1:d:s; psd=n; t=y; rua=mailto:a@example.net,mailto:b@example.net!10m; ruf=mailto:c@example.net", "V = DMARC1 ;p = nonsense;rua=", "v=DMARC1;pct=50;ri=86400;rf=afrf;p=none");
    public static readonly string[] DmarcWords = ["p=", "sp=", "np=", "rua=", "mailto:", "!10m", ",", ";", "=", "v=DMARC1", "fo=1:d", "psd=y", "t=y", "adkim=s", "https://r.example/"];

    public static readonly byte[][] KeySeeds =
        Texts.Octets("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "v=DKIM1; p=", "k=rsa; h=sha256; s=email:*; t=y:s; n=notes; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7", "p=AwEAAQ==");
    public static readonly string[] KeyWords = ["p=", "k=rsa", "k=ed25519", "h=sha256:sha1", "t=s", "s=*", "v=DKIM1", ";", "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ", "MEgCQQ", "AQAB", "=="];

    public static readonly byte[][] StsSeeds =
        Texts.Octets("version: STSv1\r\nmode: enforce\r\nmx: mx.example.net\r\nmx: *.example.org\r\nmax_age: 604800\r\n", "version: STSv1\nmode: none\nmax_age: 0\n", "v=STSv1; id=20261130T1;");
    public static readonly string[] StsWords = ["version: STSv1\n", "mode: testing\n", "mx: ", "*.", "max_age: 99999999999999999999\n", ":", "v=STSv1;", "id=", "xn--", "\r\n", "münchen.example"];

    public static readonly byte[][] TlsRptSeeds =
        Texts.Octets("v=TLSRPTv1; rua=mailto:tls@example.net", "v=TLSRPTv1;rua=mailto:a@example.net,https://r.example/v1;", "v=TLSRPTv1");
    public static readonly string[] TlsRptWords = ["v=TLSRPTv1", ";", "rua=", ",", "mailto:", "https://", "RUA="];

    public static string TrySpf(byte[] input)
    {
        var text = Texts.Of(input);
        var macros = "";
        if (SpfMacroString.TryParse(text, forExplanation: true, out var explanation, out _)) macros = $"text {explanation.Expand(letter => $"{letter}.b.c").Length > 0}";
        foreach (var word in text.Split(' ').Where(word => word.Contains(':', StringComparison.Ordinal)).Take(20))
        {
            if (!SpfMacroString.TryParseDomain(word[(word.IndexOf(':', StringComparison.Ordinal) + 1)..], out var domain, out _)) continue;
            var name = domain.ExpandName(letter => $"{letter}.{new string('x', 60)}.example.net");
            if (HostName.CanBeAsked(name) && DnsName.ToWire(name) is null) throw new InvalidOperationException($"A name that cannot be asked for: {name}");
        }
        if (!SpfRecord.TryParse(text, out var record, out var error)) return $"{macros} {Told(error)}";

        switch (record.Including(Host))
        {
            case SpfMerge.Merged merged:
                if (!SpfRecord.TryParse(merged.Text, out var again, out _)) throw new InvalidOperationException($"What is proposed is no record: {merged.Text}");
                if (again.Including(Host) is SpfMerge.Merged) throw new InvalidOperationException("What is proposed does not include the host.");
                return $"{macros} merged {Shape(again)}";
            case SpfMerge.Refused refused: return $"{macros} refused {Told(refused.Reason)}";
            default: return $"{macros} unchanged {Shape(record)}";
        }
    }

    public static string TryDmarc(byte[] input)
    {
        var text = Texts.Of(input);
        var proposed = DmarcRecord.Proposed(text, Mailbox);
        if (!DmarcRecord.TryParse(proposed, out var better)) throw new InvalidOperationException($"What is proposed is no record: {proposed}");
        if (better.AggregateReports.Count(uri => uri.Contains(Mailbox, StringComparison.OrdinalIgnoreCase)) != 1) throw new InvalidOperationException($"Its reports do not come: {proposed}");
        if (better.Policy is null) throw new InvalidOperationException($"It has no policy: {proposed}");
        if (DmarcRecord.Proposed(proposed, Mailbox) != proposed) throw new InvalidOperationException($"It would be proposed otherwise again: {proposed}");
        if (!DmarcRecord.TryParse(text, out var record)) return "none";
        return $"{record.For(false, true)} {record.For(true, true)} {record.For(true, false)} {record.IsTesting} {record.StrictDkim} {record.StrictSpf} {Math.Min(3, record.AggregateReports.Count)} {Math.Min(6, record.Problems.Count)}";
    }

    public static string TryKey(byte[] input)
    {
        var text = Texts.Of(input);
        _ = SigningKey.WhyUnfit(text, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        var (record, error) = KeyRecord.Parse(text);
        if (record is null) return Told(error?.Reason);
        if (record.Check("rsa-sha256", new byte[256], Digest) is not { } rsa || record.Check("ed25519-sha256", new byte[64], Digest) is not { } ed25519) throw new InvalidOperationException("A signature of noughts is good.");
        return $"{record.IsStrict} {record.IsTesting} {rsa.Fault} {ed25519.Fault}";
    }

    public static string TrySts(byte[] input)
    {
        var text = Texts.Of(input);
        var id = StsPolicy.IdIn(text.Split('\n'));
        if (id is not null && !id.All(char.IsAsciiLetterOrDigit)) throw new InvalidOperationException($"No id: {id}");
        if (!StsPolicy.TryParse(text, out var policy, out var error)) return $"{id is null} {Told(error)}";
        if (policy.Allows("") || policy.MaxAge < TimeSpan.Zero || policy.Hosts.Count > StsPolicy.HostsMax) throw new InvalidOperationException("A policy without bounds.");
        foreach (var host in policy.Hosts)
            if (!policy.Allows(host.Replace("*", "a", StringComparison.Ordinal))) throw new InvalidOperationException($"It does not allow its own {host}.");
        return $"{id is null} {policy.Mode} {Math.Min(3, policy.Hosts.Count)}";
    }

    public static string TryTlsRpt(byte[] input)
    {
        var text = Texts.Of(input);
        string[] wanted = ["mailto:" + Mailbox, "https://mail.test/tls"];
        var proposed = TlsReportRecord.Proposed(text, wanted);
        if (!TlsReportRecord.IsOne(proposed) || wanted.Except(TlsReportRecord.Addresses(proposed), StringComparer.OrdinalIgnoreCase).Any()) throw new InvalidOperationException($"Its reports do not come: {proposed}");
        if (TlsReportRecord.Proposed(proposed, wanted) != proposed) throw new InvalidOperationException($"It would be proposed otherwise again: {proposed}");
        return $"{TlsReportRecord.IsOne(text)} {Math.Min(5, TlsReportRecord.Addresses(text).Count)} {proposed == text}";
    }

    /// <summary>A reason in words, without what the stranger wrote: it is what an outcome is told by.</summary>
    private static string Told(string? reason) => reason is { Length: > 0 and < 2000 } && !reason.Any(char.IsControl)
        ? reason.Split('"')[0] + reason.Split('"')[^1]
        : throw new InvalidOperationException($"No reason to show: {reason}");

    private static string Shape(SpfRecord record) => string.Concat(record.Terms.Take(5).Select(term => term.GetType().Name[0])) + (record.Redirect is null) + (record.Explanation is null);
}
