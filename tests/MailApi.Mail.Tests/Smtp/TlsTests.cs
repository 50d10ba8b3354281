using System.Net;
using System.Net.Sockets;
using System.Text;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class TlsTests
{
    private static readonly Certificates Issued = new();
    private static readonly SmtpClientOptions Trusting = Sending.Options with { TrustedRoots = Issued.Roots };

    [Fact]
    public async Task STARTTLS_is_used_where_offered_whatever_the_certificate()
    {
        await using var server = new ScriptedServer { Extensions = ["STARTTLS"], Certificate = Issued.For("wrong.test", end: DateTimeOffset.UnixEpoch.AddYears(51)) };
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Equal("TLSv1.3", accepted.TlsProtocol);
        Assert.Null(accepted.TlsFailure);
        Assert.Equal(["EHLO out.mail.test", "STARTTLS", "EHLO out.mail.test"], server.Transcript[..3]);
    }

    [Fact]
    public async Task A_failed_handshake_leads_to_plain_text_where_TLS_is_opportunistic()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "STARTTLS") return false;
            await session.Say("220 go ahead");
            await session.Say("this is no TLS");
            await session.UntilClosed();
            return true;
        })
        { Extensions = ["STARTTLS"] };
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Null(accepted.TlsProtocol);
        Assert.NotEmpty(accepted.TlsFailure!);
        Assert.Equal(2, server.Connections);
    }

    [Theory]
    [InlineData("454 4.7.0 not now")]
    [InlineData("554 5.7.3 never")]
    public async Task A_refused_STARTTLS_leads_to_plain_text_where_TLS_is_opportunistic(string reply)
    {
        await using var server = ScriptedServer.Answering("STARTTLS", reply, "STARTTLS");
        await using var transmitter = Sending.Transmitter();

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.To(server)));

        Assert.Null(accepted.TlsProtocol);
        Assert.NotNull(accepted.TlsFailure);
    }

    [Fact]
    public async Task What_was_sent_in_the_clear_after_the_reply_to_STARTTLS_is_discarded()
    {
        var certificate = Issued.For("mx1.mail.test");
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (command != "STARTTLS") return false;
            await session.Say("220 go ahead\r\n250-evil\r\n250 SMTPUTF8");
            await session.StartTls(certificate);
            return true;
        })
        { Extensions = ["STARTTLS"] };
        await using var transmitter = Sending.Transmitter();

        var refused = await transmitter.Transmit(Sending.To(server), Sending.Envelope() with { NeedsSmtpUtf8 = true });

        Assert.Equal("5.6.7", Assert.IsType<TransmitResult.Refused>(refused).Reply.Enhanced);
    }

    [Fact]
    public async Task A_relay_with_STARTTLS_gets_mail_after_a_valid_certificate()
    {
        await using var server = new ScriptedServer { Extensions = ["STARTTLS"], Certificate = Issued.For("relay.mail.test") };
        await using var transmitter = Sending.Transmitter(Trusting);

        var accepted = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.StartTls)));

        Assert.Equal("TLSv1.3", accepted.TlsProtocol);
    }

    public enum Flaw
    {
        UnknownAuthority,
        WrongName,
        Expired,
        NotOffered,
    }

    [Theory]
    [MemberData(nameof(Flaws))]
    public async Task A_relay_without_valid_TLS_gets_nothing(Flaw flaw, bool implicitTls)
    {
        await using var server = new ScriptedServer
        {
            Extensions = flaw == Flaw.NotOffered ? [] : ["STARTTLS"],
            ImplicitTls = implicitTls,
            Certificate = Issued.For(flaw == Flaw.WrongName ? "other.mail.test" : "relay.mail.test", end: flaw == Flaw.Expired ? DateTimeOffset.UnixEpoch.AddYears(51) : null),
        };
        await using var transmitter = Sending.Transmitter(flaw == Flaw.UnknownAuthority ? Sending.Options : Trusting);
        var route = Sending.Relay(server, implicitTls ? TlsPolicy.Implicit : TlsPolicy.StartTls, new RelayCredentials("user", "secret", RelayAuth.Plain));

        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(route));

        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("AUTH", StringComparison.Ordinal) || line.StartsWith("MAIL", StringComparison.Ordinal));
    }

    public static TheoryData<Flaw, bool> Flaws => new()
    {
        { Flaw.UnknownAuthority, true }, { Flaw.UnknownAuthority, false },
        { Flaw.WrongName, true }, { Flaw.WrongName, false },
        { Flaw.Expired, true }, { Flaw.Expired, false },
        { Flaw.NotOffered, false },
    };

    [Theory]
    [InlineData("AUTH PLAIN LOGIN", RelayAuth.Plain, "AUTH PLAIN AHVzZXIAc2VjcmV0")]
    [InlineData("AUTH PLAIN LOGIN", RelayAuth.Login, "AUTH LOGIN", "dXNlcg==", "c2VjcmV0")]
    [InlineData("AUTH LOGIN PLAIN", null, "AUTH PLAIN AHVzZXIAc2VjcmV0")]
    [InlineData("AUTH XOAUTH2", RelayAuth.XOAuth2, "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB")]
    public async Task A_relay_with_implicit_TLS_is_logged_in_at(string extension, RelayAuth? auth, params string[] expected)
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("AUTH", StringComparison.Ordinal)) return false;
            if (command == "AUTH LOGIN")
            {
                await session.Say("334 VXNlcm5hbWU6");
                Login.Add(await session.Line());
                await session.Say("334 UGFzc3dvcmQ6");
                Login.Add(await session.Line());
            }
            await session.Say("235 2.7.0 welcome");
            return true;
        })
        { Extensions = [extension, "PIPELINING"], ImplicitTls = true, Certificate = Issued.For("relay.mail.test") };
        await using var transmitter = Sending.Transmitter(Trusting);
        var route = Sending.Relay(server, TlsPolicy.Implicit, new RelayCredentials("user", "secret", auth));

        var first = Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(route));
        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(route));

        Assert.Equal("TLSv1.3", first.TlsProtocol);
        string?[] said = [server.Transcript.Single(line => line.StartsWith("AUTH", StringComparison.Ordinal)), .. Login];
        Assert.Equal(expected, said);
        Assert.Equal(1, server.Connections);
    }

    private List<string?> Login { get; } = [];

    [Fact]
    public async Task OAUTHBEARER_names_the_relay_and_answers_an_error_before_it_is_refused()
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("AUTH", StringComparison.Ordinal)) return false;
            await session.Say("334 eyJzdGF0dXMiOiI0MDEifQ==");
            Login.Add(await session.Line());
            await session.Say("535 5.7.8 expired");
            return true;
        })
        { Extensions = ["AUTH OAUTHBEARER"] };
        await using var transmitter = Sending.Transmitter();

        var refused = await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("a,b=c", "secret", RelayAuth.OAuthBearer)));

        Assert.Equal(Stage.Auth, Assert.IsType<TransmitResult.Refused>(refused).Stage);
        var said = Convert.FromBase64String(server.Transcript.Single(line => line.StartsWith("AUTH", StringComparison.Ordinal))["AUTH OAUTHBEARER ".Length..]);
        Assert.Equal($"n,a=a=2Cb=3Dc,\u0001host=relay.mail.test\u0001port={server.Port}\u0001auth=Bearer secret\u0001\u0001", Encoding.UTF8.GetString(said));
        Assert.Equal(["AQ=="], Login);
    }

    [Theory]
    [InlineData(RelayAuth.CramMd5, "AUTH CRAM-MD5", "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")]
    public async Task A_challenge_is_answered(RelayAuth auth, string extension, string challenge, string answer)
    {
        // The example of RFC 2195 §2.
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("AUTH", StringComparison.Ordinal)) return false;
            await session.Say($"334 {challenge}");
            Login.Add(await session.Line());
            await session.Say("235 2.7.0 welcome");
            return true;
        })
        { Extensions = [extension] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("tim", "tanstaaftanstaaf", auth))));

        Assert.Equal([answer], Login);
    }

    [Fact]
    public async Task A_relay_that_does_not_prove_that_it_knows_the_password_gets_no_mail()
    {
        // RFC 5802 §5: an impostor says yes to anything, and cannot sign.
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("AUTH", StringComparison.Ordinal)) return false;
            var nonce = Encoding.UTF8.GetString(Convert.FromBase64String(command.Split(' ')[2])).Split("r=")[1];
            await session.Say($"334 {Convert.ToBase64String(Encoding.UTF8.GetBytes($"r={nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))}");
            await session.Line();
            await session.Say("235 2.7.0 welcome, whoever you are");
            return true;
        })
        { Extensions = ["AUTH SCRAM-SHA-256"] };
        await using var transmitter = Sending.Transmitter();

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("user", "secret", null))));

        Assert.Equal(Stage.Auth, unreachable.Stage);
        Assert.Contains("did not prove", unreachable.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("AUTH PLAIN XOAUTH2", "AUTH XOAUTH2")]
    [InlineData("AUTH XOAUTH2 OAUTHBEARER PLAIN", "AUTH OAUTHBEARER")]
    public async Task A_token_is_said_by_the_best_mechanism_that_takes_one(string extension, string said)
    {
        await using var server = ScriptedServer.Answering("AUTH", "235 2.7.0 welcome", extension);
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Accepted>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("user", "token", null) { IsToken = true })));

        Assert.StartsWith(said + " ", server.Transcript.Single(line => line.StartsWith("AUTH", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_is_not_said_as_a_password()
    {
        await using var server = new ScriptedServer { Extensions = ["AUTH PLAIN LOGIN"] };
        await using var transmitter = Sending.Transmitter();

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("user", "token", null) { IsToken = true })));

        Assert.Contains("takes an access token", unreachable.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("AUTH", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(RelayAuth.Login, "AUTH LOGIN", "334 no base64!")]
    [InlineData(RelayAuth.ScramSha256, "AUTH SCRAM-SHA-256", "334 cj1ub25zZW5zZQ==")]
    [InlineData(RelayAuth.Login, "AUTH LOGIN", "334 VXNlcm5hbWU6")]
    [InlineData(RelayAuth.XOAuth2, "AUTH XOAUTH2", "334 ")]
    public async Task Senseless_or_endless_challenges_end_the_attempt(RelayAuth auth, string extension, string challenge)
    {
        await using var server = new ScriptedServer(async (session, command) =>
        {
            if (!command.StartsWith("AUTH", StringComparison.Ordinal)) return false;
            do await session.Say(challenge);
            while (await session.Line() is not null);
            return true;
        })
        { Extensions = [extension] };
        await using var transmitter = Sending.Transmitter();

        Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("user", "secret", auth))));
    }

    [Theory]
    [InlineData("535 5.7.8 wrong password")]
    [InlineData("454 4.7.0 not now")]
    public async Task A_refused_login_is_told(string reply)
    {
        await using var server = ScriptedServer.Answering("AUTH", reply, "AUTH PLAIN LOGIN CRAM-MD5");
        await using var transmitter = Sending.Transmitter();

        var refused = Assert.IsType<TransmitResult.Refused>(await transmitter.Transmit(Sending.Relay(server, TlsPolicy.None, new RelayCredentials("user", "secret", RelayAuth.Plain))));

        Assert.Equal((Stage.Auth, reply), (refused.Stage, refused.Reply.ToString()));
        Assert.Single(server.Transcript, line => line.StartsWith("AUTH", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("AUTH GSSAPI", null, TlsPolicy.None)]
    [InlineData("AUTH LOGIN", RelayAuth.Plain, TlsPolicy.None)]
    [InlineData("8BITMIME", null, TlsPolicy.None)]
    [InlineData("AUTH PLAIN", RelayAuth.Plain, TlsPolicy.Opportunistic)]
    public async Task No_password_is_sent_where_it_should_not_be(string extension, RelayAuth? auth, TlsPolicy tls)
    {
        await using var server = new ScriptedServer { Extensions = [extension] };
        await using var transmitter = Sending.Transmitter();

        var unreachable = Assert.IsType<TransmitResult.Unreachable>(await transmitter.Transmit(Sending.Relay(server, tls, new RelayCredentials("user", "secret", auth))));

        Assert.DoesNotContain("secret", unreachable.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Transcript, line => line.StartsWith("AUTH", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(TlsPolicy.Opportunistic, false)]
    [InlineData(TlsPolicy.Opportunistic, true)]
    [InlineData(TlsPolicy.StartTls, false)]
    [InlineData(TlsPolicy.StartTls, true)]
    public async Task Nothing_is_fetched_from_addresses_in_a_certificate(TlsPolicy tls, bool isIssuerKnown)
    {
        using var web = new TcpListener(IPAddress.Loopback, 0);
        web.Start();
        var certificate = Issued.For("relay.mail.test", $"http://127.0.0.1:{((IPEndPoint)web.LocalEndpoint).Port}");
        await using var server = new ScriptedServer { Extensions = ["STARTTLS"], Certificate = certificate };
        // An issuer would be fetched where it is missing, a revocation list where the chain is whole.
        await using var transmitter = Sending.Transmitter(isIssuerKnown ? Trusting : Sending.Options);

        await transmitter.Transmit(Sending.Relay(server, tls));

        await server.Sees("STARTTLS");
        Assert.False(web.Pending());
    }

    [Fact]
    public void A_password_is_never_printed()
    {
        var relay = new RelayOptions { Host = "relay.test", Username = "user", Password = "secret" };

        Assert.DoesNotContain("secret", $"{relay} {new RelayCredentials("user", "secret", null)}", StringComparison.Ordinal);
        Assert.DoesNotContain("secret", new Route { Site = "x", Hosts = [], Credentials = new RelayCredentials("user", "secret", null) }.ToString(), StringComparison.Ordinal);
    }
}
