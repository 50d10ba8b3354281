using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using MailApi.Mail;
using MailApi.Mail.Routing;
using MailApi.Mail.Smtp;

namespace MailApi.OAuth;

/// <summary>What a token endpoint answered. The set of cases is closed.</summary>
internal abstract record TokenAnswer
{
    private TokenAnswer() { }

    /// <param name="AccessToken">The token.</param>
    /// <param name="Lifetime">Null: not told.</param>
    /// <param name="RefreshToken">A new one that replaces the one asked with; null: that stays.</param>
    public sealed record Granted(string AccessToken, TimeSpan? Lifetime, string? RefreshToken) : TokenAnswer
    {
        public override string ToString() => nameof(Granted);
    }

    /// <param name="Error">The code of RFC 6749 §5.2; null where there was no answer of that kind.</param>
    /// <param name="Reason">What happened and what to do, in sentences.</param>
    public sealed record Refused(string? Error, string Reason) : TokenAnswer;
}

/// <summary>
/// Asks token endpoints that tenants chose (RFC 6749 §4.4, §6), and trusts neither the address nor the answer: https to public addresses that were
/// looked at before, no proxy, redirect, cookie or decompression, 64 KiB of answer, one deadline over everything.
/// </summary>
internal sealed class TokenEndpoint(DnsResolver dns, RoutingOptions network, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private const int AnswerBytesMax = 64 * 1024;

    /// <summary>Of the provider, in a reason.</summary>
    private const int WordsCharsMax = 300;
    private readonly HttpMessageInvoker http = new(Handler());

    /// <summary>Why an address is none that tokens are asked for at, and what to write instead; null when it is fit.</summary>
    /// <param name="address">What a tenant wrote.</param>
    /// <param name="allowPrivate">Admits every port and every address, and http to this machine.</param>
    public static string? Refusal(string address, bool allowPrivate)
    {
        if (address.Length > 1_000 || !System.Text.Ascii.IsValid(address) || !Uri.TryCreate(address, UriKind.Absolute, out var uri)) return "An absolute https URL in ASCII is required.";
        if (uri.Scheme != Uri.UriSchemeHttps && !(allowPrivate && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)) return "The scheme must be https.";
        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0) return "The URL must not carry a user name, a password or a fragment.";
        if (uri.Port is not (443 or 8443) && !allowPrivate) return "The port must be 443 or 8443.";
        return !allowPrivate && IPAddress.TryParse(uri.DnsSafeHost, out var literal) && !GlobalUnicast.Contains(literal) ? "The host is not an address of the public internet." : null;
    }

    /// <summary>One request. Never throws for what the endpoint or the network does.</summary>
    /// <param name="oauth">Where and as whom.</param>
    /// <param name="refreshToken">Asks with it; null: with client credentials.</param>
    /// <param name="ct">Gives up; only then <see cref="OperationCanceledException"/>.</param>
    public async Task<TokenAnswer> Ask(OAuthClient oauth, string? refreshToken, CancellationToken ct)
    {
        if (Refusal(oauth.Endpoint, network.AllowPrivateNetworks) is { } refusal) return Unanswered(oauth, refusal);
        using var timer = new CancellationTokenSource(Patience, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        var uri = new Uri(oauth.Endpoint);
        try
        {
            if (await Admit(uri, deadline.Token) is not { } addresses) return Unanswered(oauth, $"the host {uri.DnsSafeHost} has no public address now");
            using var request = new HttpRequestMessage(HttpMethod.Post, uri) { Content = new FormUrlEncodedContent(Form(oauth, refreshToken)) };
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            request.Admit(addresses);
            using var response = await http.SendAsync(request, deadline.Token);
            return await Read(oauth, response, deadline.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return Unanswered(oauth, e.GetBaseException().Message);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Unanswered(oauth, string.Create(CultureInfo.InvariantCulture, $"no answer within {Patience.TotalSeconds:0} s"));
        }
    }

    public void Dispose() => http.Dispose();

    /// <summary>Null when the host may not be connected to, or not now.</summary>
    private async Task<IReadOnlyList<IPAddress>?> Admit(Uri uri, CancellationToken ct)
    {
        // A loopback name is the resolver's own affair: it stands in no zone.
        if (network.AllowPrivateNetworks && uri.IsLoopback) return [uri.HostNameType == UriHostNameType.IPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback];
        if (await dns.Addresses(uri.DnsSafeHost, ct) is not DnsAnswer<IPAddress>.Found found) return null;
        return network.AllowPrivateNetworks || found.Values.All(GlobalUnicast.Contains) ? found.Values : null;
    }

    /// <summary>The client is named in the body (RFC 6749 §2.3.1), which Google and Microsoft document.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Form(OAuthClient oauth, string? refreshToken)
    {
        yield return new("grant_type", refreshToken is null ? "client_credentials" : "refresh_token");
        yield return new("client_id", oauth.ClientId);
        if (oauth.ClientSecret is { } secret) yield return new("client_secret", secret);
        if (refreshToken is not null) yield return new("refresh_token", refreshToken);
        if (oauth.ScopeOrUsual is { } scope) yield return new("scope", scope);
    }

    private static async Task<TokenAnswer> Read(OAuthClient oauth, HttpResponseMessage response, CancellationToken ct)
    {
        await using var body = await response.Content.ReadAsStreamAsync(ct);
        var buffer = ArrayPool<byte>.Shared.Rent(AnswerBytesMax);
        try
        {
            var length = await body.ReadAtLeastAsync(buffer.AsMemory(0, AnswerBytesMax), AnswerBytesMax, throwOnEndOfStream: false, ct);
            if (length == AnswerBytesMax) throw new IOException($"its answer has more than {AnswerBytesMax / 1024} KiB");
            return Judge(oauth, response.StatusCode, buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    /// <summary>What an answer says, whatever its octets are.</summary>
    internal static TokenAnswer Judge(OAuthClient oauth, HttpStatusCode status, ReadOnlySpan<byte> octets)
    {
        TokenJson? answer;
        try
        {
            answer = JsonSerializer.Deserialize(octets, TokenJsonContext.Default.TokenJson);
        }
        catch (JsonException)
        {
            return Unanswered(oauth, "its answer is not the JSON of RFC 6749");
        }
        if (answer is { AccessToken.Length: > 0 } && (int)status / 100 == 2)
        {
            if (!IsToken(answer.AccessToken)) return Unanswered(oauth, "its access token has characters that no token has");
            return new TokenAnswer.Granted(answer.AccessToken, answer.ExpiresIn > 0 ? TimeSpan.FromSeconds(Math.Min(answer.ExpiresIn.Value, 86_400)) : null, answer.RefreshToken);
        }
        if (answer?.Error is not { Length: > 0 and <= 100 } error) return Unanswered(oauth, $"it answered {(int)status}");
        // The provider's own words, without control characters.
        var words = Reply.From(0, $"{error}: {answer.ErrorDescription}").Text;
        return new TokenAnswer.Refused(error, $"{new Uri(oauth.Endpoint).Host} gives no access token ({words.Truncate(WordsCharsMax)}). {Cure(error, oauth.Grant)}");
    }

    /// <summary>What a client may put on a command line and in a header field (RFC 6750 §2.1, and more).</summary>
    private static bool IsToken(string token) => token.Length <= 8_192 && !token.AsSpan().ContainsAnyExceptInRange('!', '~');

    private static string Cure(string error, OAuthGrant grant) => error switch
    {
        "invalid_grant" when grant == OAuthGrant.RefreshToken => "The refresh token was revoked or has expired: authorise again and change oauth.refreshToken.",
        "invalid_client" or "unauthorized_client" => "Compare clientId and clientSecret with those of the provider, and whether the client may use this grant.",
        "invalid_scope" => "Compare oauth.scope with what the provider calls the right to mail by SMTP, IMAP or POP3.",
        _ => "Look at the client's settings at the provider.",
    };

    private static TokenAnswer.Refused Unanswered(OAuthClient oauth, string why) =>
        new(null, $"The token endpoint {(Uri.TryCreate(oauth.Endpoint, UriKind.Absolute, out var uri) ? uri.Host : "named")} cannot be used: {why}.");

    private static SocketsHttpHandler Handler()
    {
        var handler = GuardedHttp.Handler();
        handler.ConnectTimeout = TimeSpan.FromSeconds(5);
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10);
        return handler;
    }
}

/// <summary>RFC 6749 §5.1 and §5.2; what else is there is passed over.</summary>
internal sealed record TokenJson
{
    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    /// <summary>Some providers write it as a text.</summary>
    [JsonPropertyName("expires_in"), JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
    public double? ExpiresIn { get; init; }

    [JsonPropertyName("refresh_token")]
    public string? RefreshToken { get; init; }

    [JsonPropertyName("error")]
    public string? Error { get; init; }

    [JsonPropertyName("error_description")]
    public string? ErrorDescription { get; init; }
}

[JsonSerializable(typeof(TokenJson))]
internal sealed partial class TokenJsonContext : JsonSerializerContext;
