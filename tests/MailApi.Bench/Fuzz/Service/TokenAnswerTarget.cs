using System.Net;
using System.Text;
using MailApi.OAuth;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>What a token endpoint that a tenant chose answers; the first octet is the status. A token that a login can carry, or a reason that can be shown.</summary>
internal static class TokenAnswerTarget
{
    private static readonly OAuthClient Client = new() { Provider = OAuthProvider.Custom, Grant = OAuthGrant.RefreshToken, TokenEndpoint = "https://id.example.net/token", ClientId = "client", RefreshToken = "refresh" };
    private static readonly HttpStatusCode[] Statuses = [HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized, HttpStatusCode.Found, HttpStatusCode.InternalServerError];

    public static readonly byte[][] Seeds = Texts.Octets(
        "\0{\"access_token\":\"ya29.a0\",\"expires_in\":3599,\"refresh_token\":\"1//0\",\"token_type\":\"Bearer\"}", "\0{\"access_token\":\"x\",\"expires_in\":\"3599\"}", "\u0001{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or revoked.\"}",
        "\u0002{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: \\u000d\\u000a\"}", "\0null", "\0[]", "\u0004<html>");

    public static readonly string[] Words = ["\"access_token\":", "\"expires_in\":", "\"error\":", "\"error_description\":", "\"refresh_token\":", "1e999", "-1", "\"NaN\"", "\"Infinity\"", "null", "{", "}", "[[[[", "\\u0000", "\\r\\n", "\\ud800", "invalid_scope", "\uFEFF"];

    public static string Try(byte[] input)
    {
        if (input.Length == 0) return "";
        switch (TokenEndpoint.Judge(Client, Statuses[input[0] % Statuses.Length], input.AsSpan(1)))
        {
            case TokenAnswer.Granted granted:
                if (granted.AccessToken is not { Length: > 0 and <= 8_192 } || granted.AccessToken.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new InvalidOperationException($"A token that no login carries: {granted.AccessToken}");
                if (granted.Lifetime is { } lifetime && (lifetime < TimeSpan.Zero || lifetime > TimeSpan.FromDays(1))) throw new InvalidOperationException($"It lives {lifetime}.");
                return $"{granted.Lifetime is null} {granted.RefreshToken is null}";
            case TokenAnswer.Refused refused:
                if (refused.Reason is not { Length: > 0 and < 1000 } || refused.Reason.Any(char.IsControl) || !refused.Reason.EnumerateRunes().All(rune => rune != Rune.ReplacementChar)) throw new InvalidOperationException($"A reason that cannot be shown: {refused.Reason}");
                return $"{refused.Error is null} {refused.Reason.Length % 8}";
            default:
                throw new InvalidOperationException("No answer.");
        }
    }
}
