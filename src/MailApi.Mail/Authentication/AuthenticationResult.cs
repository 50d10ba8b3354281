using System.Text.Json.Serialization;

namespace MailApi.Mail.Authentication;

/// <summary>What SPF, DKIM, DMARC or ARC concludes, in the words of RFC 8601 §2.7; each method has some of them.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AuthenticationResult>))]
public enum AuthenticationResult
{
    /// <summary>There is nothing to judge: no record, no signature, no policy.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>It says neither yes nor no, could not be processed, or is to be ignored.</summary>
    [JsonStringEnumMemberName("neutral")] Neutral,
    [JsonStringEnumMemberName("pass")] Pass,
    [JsonStringEnumMemberName("fail")] Fail,

    /// <summary>SPF alone: probably not allowed.</summary>
    [JsonStringEnumMemberName("softfail")] SoftFail,

    /// <summary>Nobody knows at present.</summary>
    [JsonStringEnumMemberName("temperror")] TempError,

    /// <summary>It cannot count, whatever the message.</summary>
    [JsonStringEnumMemberName("permerror")] PermError,
}

/// <summary>As header fields and records have them.</summary>
public static class AuthenticationWords
{
    public static string Word(this AuthenticationResult result) => result.ToString().ToLowerInvariant();

    public static string Word(this DmarcPolicy policy) => policy.ToString().ToLowerInvariant();
}
