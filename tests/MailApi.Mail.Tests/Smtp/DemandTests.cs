using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Tests.Smtp;

/// <summary>What a host must prove is proven before MAIL, or nothing is sent.</summary>
public sealed class DemandTests
{
    private const string Host = "mx1.mail.test";
    private static readonly Certificates Issued = new();
    private static readonly SmtpClientOptions Trusting = Sending.Options with { TrustedRoots = Issued.Roots };
    private static readonly TlsDemand Named = new() { Proof = TlsProof.Name, IsEnforced = true, Policy = TlsPolicyType.Sts, Names = [Host] };
    private static readonly DateTimeOffset Past = DateTimeOffset.UnixEpoch.AddYears(51);

    private readonly List<TlsSession> sessions = [];

    public enum Flaw
    {
        NotOffered,
        Refused,
        NoTls,
        WrongName,
        Expired,
        UnknownAuthority,
        None,
    }

    [Theory]
    [InlineData(Flaw.NotOffered, "starttls-not-supported")]
    [InlineData(Flaw.Refused, "starttls-not-supported")]
    [InlineData(Flaw.NoTls, "validation-failure")]
    [InlineData(Flaw.WrongName, "certificate-host-mismatch")]
    [InlineData(Flaw.Expired, "certificate-expired")]
    [InlineData(Flaw.UnknownAuthority, "certificate-not-trusted")]
    [InlineData(Flaw.None, "success")]
    public async Task Without_the_proof_nothing_is_sent_where_it_is_enforced_and_it_is_told_where_it_is_not(Flaw flaw, string word)
    {
        foreach (var enforced in (bool[])[true, false])
        {
            await using var server = Server(flaw);
            await using var transmitter = Sending.Transmitter(flaw == Flaw.UnknownAuthority ? Sending.Options : Trusting);
            sessions.Clear();

            var result = await transmitter.Transmit(To(Named with { IsEnforced = enforced }, server));

            Assert.Equal(word, Assert.Single(sessions).Result.Word());
            if (enforced && flaw != Flaw.None)
            {
                Assert.Contains(word, Assert.IsType<TransmitResult.Unreachable>(result).Reason, StringComparison.Ordinal);
                Assert.DoesNotContain(server.Transcript, line => line.StartsWith("MAIL", StringComparison.Ordinal));
            }
            else Assert.IsType<TransmitResult.Accepted>(result);
        }
    }

    [Theory]
    [InlineData(Flaw.Expired, true)]
    [InlineData(Flaw.NotOffered, false)]
    public async Task Mere_encryption_takes_any_certificate_and_no_clear_text(Flaw flaw, bool accepted)
    {
        await using var server = Server(flaw);
        await using var transmitter = Sending.Transmitter();

        var result = await transmitter.Transmit(To(new TlsDemand { Proof = TlsProof.Encryption, IsEnforced = true }, server));

        Assert.Equal(accepted, result is TransmitResult.Accepted { TlsProtocol: not null });
        Assert.Equal(accepted ? 1 : 0, server.Messages.Count);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task A_record_of_the_hosts_own_certificate_or_key_is_proof_whatever_its_name_and_dates(byte selector, byte matching)
    {
        using var certificate = Issued.For("wrong.test", end: Past);
        using var other = Issued.For("wrong.test", end: Past);
        await using var server = new ScriptedServer { Extensions = ["STARTTLS"], Certificate = certificate };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(To(By(Record(3, selector, matching, other), Record(3, selector, matching, certificate)), server)));
        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(To(By(Record(3, selector, matching, other)), server)));

        Assert.Equal([TlsResult.Success, TlsResult.CertificateNotTrusted], sessions.Select(session => session.Result));
        Assert.Single(server.Messages);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task A_record_of_an_authority_is_proof_for_what_it_signed_under_the_hosts_name(byte selector, byte matching)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = Intermediate(key);
        using var certificate = SignedBy(authority.CopyWithPrivateKey(key), Host);
        await using var server = new ScriptedServer { Extensions = ["STARTTLS"], Certificate = certificate, Along = [authority] };
        await using var transmitter = Sending.Transmitter();
        var record = Record(2, selector, matching, authority);

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(To(By(record), server)));
        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(To(By(record) with { Names = ["mx2.mail.test"] }, server)));
        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(To(By(Record(2, selector, matching, Issued.Authority)), server)));

        Assert.Equal([TlsResult.Success, TlsResult.CertificateHostMismatch, TlsResult.CertificateNotTrusted], sessions.Select(session => session.Result));
    }

    [Fact]
    public async Task An_authoritys_certificate_shown_beside_anothers_work_is_no_proof()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var forger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = Intermediate(key);
        using var sameName = Intermediate(forger);
        using var certificate = SignedBy(sameName.CopyWithPrivateKey(forger), Host);
        await using var server = new ScriptedServer { Extensions = ["STARTTLS"], Certificate = certificate, Along = [authority] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(To(By(Record(2, 1, 1, authority)), server)));

        Assert.Empty(server.Messages);
    }

    [Theory]
    [InlineData("0301010000", false)]
    [InlineData("030101", false)]
    [InlineData("03000001", true)]
    [InlineData("00000001", false)]
    [InlineData("01000001", false)]
    [InlineData("03020001", false)]
    [InlineData("03000301", false)]
    public void Of_records_those_are_usable_that_mail_knows(string data, bool usable) => Assert.Equal(usable, TlsaRecord.TryRead(Convert.FromHexString(data))?.IsUsable == true);

    [Fact]
    public async Task A_connection_is_used_again_only_for_the_same_proof()
    {
        await using var server = Server(Flaw.None);
        await using var transmitter = Sending.Transmitter(Trusting);

        foreach (var demand in (TlsDemand[])[TlsDemand.Opportunistic, Named, Named with { Names = [Host] }, Named with { IsEnforced = false }])
            Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(To(demand, server)));

        Assert.Equal(3, server.Connections);
    }

    [Fact]
    public async Task A_session_is_resumed_without_the_certificate_but_not_where_records_are_to_be_proven()
    {
        using var certificate = Issued.For(Host);
        var context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        var sent = new List<long>();
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "STARTTLS") return false;
            await session.Say("220 go ahead");
            sent.Add(await session.StartTls(context));
            return true;
        })
        { Extensions = ["STARTTLS"] };
        // Each message makes a connection.
        await using var transmitter = Sending.Transmitter(Trusting with { Terms = new ConnectionTerms { Messages = 1 } });

        foreach (var demand in (TlsDemand[])[Named, Named, By(Record(3, 1, 1, certificate)), By(Record(3, 1, 1, certificate))])
            Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(To(demand, server)));

        Assert.All(sessions, session => Assert.Equal(TlsResult.Success, session.Result));
        var saved = sent.Select(octets => sent[0] - octets > certificate.RawData.Length / 2);
        Assert.True(saved.SequenceEqual([false, true, false, false]), $"{string.Join(", ", sent)} octets of handshakes; the certificate has {certificate.RawData.Length}");
    }

    [Fact]
    public async Task REQUIRETLS_is_passed_on_to_the_first_host_that_offers_it()
    {
        await using var without = Server(Flaw.None);
        await using var with = new ScriptedServer { Extensions = ["STARTTLS", "REQUIRETLS"], Certificate = Issued.For("mx2.mail.test") };
        await using var transmitter = Sending.Transmitter(Trusting);
        var demand = Named with { RequireTls = true, Names = [Host, "mx2.mail.test"] };

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(To(demand, without, with)));

        Assert.Contains(with.Transcript, line => line.StartsWith("MAIL FROM:", StringComparison.Ordinal) && line.EndsWith(" REQUIRETLS", StringComparison.Ordinal));
        await without.Sees("[closed]");
        Assert.Equal("QUIT", without.Transcript[^2]);
    }

    [Theory]
    [InlineData(Flaw.None, "5.7.30")]
    [InlineData(Flaw.NotOffered, "5.7.10")]
    [InlineData(Flaw.WrongName, "5.7.10")]
    public async Task Where_REQUIRETLS_cannot_be_had_the_mail_is_refused(Flaw flaw, string status)
    {
        await using var server = Server(flaw);
        await using var transmitter = Sending.Transmitter(Trusting);

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(To(Named with { RequireTls = true }, server)));

        Assert.Equal((550, status, Stage.MailFrom), (refused.Reply.Code, refused.Reply.Enhanced, refused.Stage));
        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("MAIL", StringComparison.Ordinal));
    }

    private static ScriptedServer Server(Flaw flaw) => flaw switch
    {
        Flaw.NotOffered => new ScriptedServer(),
        Flaw.Refused => ScriptedServer.Answering("STARTTLS", "454 4.7.0 not now", "STARTTLS"),
        Flaw.NoTls => new ScriptedServer(async (session, command) =>
        {
            if (command != "STARTTLS") return false;
            await session.Say("220 go ahead");
            await session.Say("this is no TLS");
            await session.UntilClosed();
            return true;
        })
        { Extensions = ["STARTTLS"] },
        Flaw.WrongName => new ScriptedServer { Extensions = ["STARTTLS"], Certificate = Issued.For("other.mail.test") },
        Flaw.Expired => new ScriptedServer { Extensions = ["STARTTLS"], Certificate = Issued.For(Host, end: Past) },
        _ => new ScriptedServer { Extensions = ["STARTTLS"], Certificate = Issued.For(Host) },
    };

    private Route To(TlsDemand demand, params ScriptedServer[] servers)
    {
        var route = Sending.To(servers);
        return route with { Hosts = [.. route.Hosts.Select(host => host with { Demand = demand })], TlsSessions = sessions.Add };
    }

    private static TlsDemand By(params TlsaRecord[] records) => new() { Proof = TlsProof.Tlsa, IsEnforced = true, Policy = TlsPolicyType.Tlsa, Names = [Host], Tlsa = records };

    private static TlsaRecord Record(byte usage, byte selector, byte matching, X509Certificate2 certificate)
    {
        var selected = selector == 0 ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        return new TlsaRecord(usage, selector, matching, matching switch { 0 => selected, 1 => SHA256.HashData(selected), _ => SHA512.HashData(selected) });
    }

    private static X509Certificate2 Intermediate(ECDsa key)
    {
        var request = new CertificateRequest("CN=Test intermediate", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.Create(Issued.Authority, Issued.Authority.NotBefore, Issued.Authority.NotAfter, [5, 6, 7]);
    }

    private static X509Certificate2 SignedBy(X509Certificate2 authority, string name)
    {
        using (authority) return Certificates.For(authority, name, end: authority.NotAfter);
    }

    public static TheoryData<byte, byte> Forms => new() { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 0 }, { 1, 1 }, { 1, 2 } };
}
