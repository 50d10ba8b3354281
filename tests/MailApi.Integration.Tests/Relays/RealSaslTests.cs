using System.Net;
using System.Text;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Relays;

/// <summary>Every mechanism against Postfix with Dovecot's SASL: neither knows our code.</summary>
public sealed class RealSaslTests(RealSaslTests.Relay relay) : IClassFixture<RealSaslTests.Relay>
{
    private const string User = "shop@relay.test";
    private static readonly SinkCredentials Known = new(User, "correct horse, 42=Ünal");

    [Theory]
    [InlineData(RelayAuth.Plain), InlineData(RelayAuth.Login), InlineData(RelayAuth.CramMd5), InlineData(RelayAuth.ScramSha256), InlineData(null)]
    public async Task A_password_is_known_by_every_mechanism_and_a_wrong_one_refused(RelayAuth? auth)
    {
        Assert.IsType<TransmitResult.Accepted>(await Send(new RelayCredentials(User, Known.Password, auth), Subject(auth)));
        var refused = Assert.IsType<TransmitResult.Refused>(await Send(new RelayCredentials(User, "wrong", auth), $"{auth} out"));

        Assert.Equal((Stage.Auth, 535), (refused.Stage, refused.Reply.Code));
        var delivered = await relay.Postfix.WaitFor(mail => mail.Subject == Subject(auth), TimeSpan.FromSeconds(60));
        Assert.Contains($"(Authenticated sender: {User})", delivered.Headers["Received"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RelayAuth.XOAuth2), InlineData(RelayAuth.OAuthBearer), InlineData(null)]
    public async Task A_token_is_known_by_every_mechanism_and_a_revoked_one_refused(RelayAuth? auth)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = TokenServer.ClientId, ["client_secret"] = TokenServer.ClientSecret });
        using var answer = await http.PostAsync(relay.Tokens.Url, form, TestContext.Current.CancellationToken);
        var token = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("access_token").GetString()!;

        Assert.IsType<TransmitResult.Accepted>(await Send(new RelayCredentials(User, token, auth) { IsToken = true }, $"{auth} token"));
        var refused = Assert.IsType<TransmitResult.Refused>(await Send(new RelayCredentials(User, "revoked", auth) { IsToken = true }, $"{auth} out"));

        Assert.Equal((Stage.Auth, 535), (refused.Stage, refused.Reply.Code));
    }

    [Fact]
    public async Task A_probe_tells_every_step_with_its_reply()
    {
        var steps = await RelayProbe.Run(To(new RelayCredentials(User, Known.Password, RelayAuth.ScramSha256)), Options with { TrustedRoots = [relay.Postfix.Certificate] }, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal([Stage.Connect, Stage.Greeting, Stage.Hello, Stage.StartTls, Stage.Hello, Stage.Auth, null], steps.Select(step => step.Stage));
        Assert.All(steps, step => Assert.True(step.Ok, step.ToString()));
        Assert.Equal([null, 220, 250, 220, 250, 235, 221], steps.Select(step => step.Reply?.Code));
    }

    private static string Subject(RelayAuth? auth) => auth is null ? "by the best" : $"by {auth}";

    private static readonly SmtpClientOptions Options = new() { HeloName = "out.mail.test" };

    private Route To(RelayCredentials credentials) => new()
    {
        Site = "relay",
        Hosts = [new RouteHost($"mx.{PostfixServer.Domain}", [IPAddress.Loopback], relay.Postfix.Port)],
        Tls = TlsPolicy.StartTls,
        Credentials = credentials,
    };

    private async Task<TransmitResult> Send(RelayCredentials credentials, string subject)
    {
        await using var transmitter = new Transmitter(Options with { TrustedRoots = [relay.Postfix.Certificate] }, TimeProvider.System);
        return await transmitter.Transmit(To(credentials), new Transmission
        {
            MailFrom = "b+1@bounces.shop.test",
            Recipient = $"ann@{PostfixServer.Domain}",
            Content = [Encoding.ASCII.GetBytes($"From: a@shop.test\r\nSubject: {subject}\r\n\r\nHello.\r\n")],
            DotGate = _ => ValueTask.FromResult(true),
        }, TestContext.Current.CancellationToken);
    }

    public sealed class Relay : IAsyncLifetime
    {
        public TokenServer Tokens { get; private set; } = null!;
        public PostfixServer Postfix { get; private set; } = null!;
        private DovecotSasl dovecot = null!;

        public async ValueTask InitializeAsync()
        {
            Tokens = await TokenServer.StartAsync(User);
            dovecot = await DovecotSasl.StartAsync(Known, Tokens, CancellationToken.None);
            Postfix = await PostfixServer.StartAsync(dovecot.PostfixSettings, CancellationToken.None);
        }

        public async ValueTask DisposeAsync()
        {
            await Postfix.DisposeAsync();
            await dovecot.DisposeAsync();
            await Tokens.DisposeAsync();
        }
    }
}
