using System.Collections.Frozen;
using System.Text.Json.Serialization;

namespace MailApi.Mail.Bounces;

/// <summary>Why mail is refused or comes back.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BounceClass>))]
public enum BounceClass
{
    /// <summary>Nobody has this address, or nobody any more.</summary>
    [JsonStringEnumMemberName("no-mailbox")] NoMailbox,

    /// <summary>The mailbox takes no more until its owner makes room.</summary>
    [JsonStringEnumMemberName("mailbox-full")] MailboxFull,

    /// <summary>The receiver distrusts the sending address or domain.</summary>
    [JsonStringEnumMemberName("blocked-reputation")] BlockedReputation,

    /// <summary>The receiver distrusts what the message says.</summary>
    [JsonStringEnumMemberName("blocked-content")] BlockedContent,

    /// <summary>SPF, DKIM, DMARC or the reverse name of the sending address do not pass.</summary>
    [JsonStringEnumMemberName("authentication")] Authentication,

    /// <summary>A rule of the receiver's that is about none of the above.</summary>
    [JsonStringEnumMemberName("policy")] Policy,

    /// <summary>Too much at a time, of whatever the receiver counts.</summary>
    [JsonStringEnumMemberName("rate-limited")] RateLimited,

    /// <summary>The receiver does not know this sender yet and wants to see it come again.</summary>
    [JsonStringEnumMemberName("greylisted")] Greylisted,

    /// <summary>A name was not found, or points nowhere.</summary>
    [JsonStringEnumMemberName("dns")] Dns,

    /// <summary>An encrypted connection could not be had as one side demands.</summary>
    [JsonStringEnumMemberName("tls")] Tls,

    /// <summary>The message is larger than the receiver takes.</summary>
    [JsonStringEnumMemberName("size")] Size,
    [JsonStringEnumMemberName("other")] Other,
}

public static class BounceClasses
{
    private static readonly FrozenDictionary<BounceClass, string> Names = Enum.GetValues<BounceClass>().ToFrozenDictionary(it => it, Hyphened);
    private static readonly FrozenDictionary<string, BounceClass> Classes = Names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>As stored and shown: <c>no-mailbox</c>.</summary>
    public static string Name(this BounceClass it) => Names[it];

    public static bool TryParse(string name, out BounceClass it) => Classes.TryGetValue(name, out it);

    private static string Hyphened(BounceClass it) =>
        string.Concat(it.ToString().Select((letter, index) => index > 0 && char.IsUpper(letter) ? "-" + char.ToLowerInvariant(letter) : char.ToLowerInvariant(letter).ToString()));
}

/// <summary>What a refusal means and what to do about it.</summary>
/// <param name="Class">Its kind.</param>
/// <param name="IsHard">Trying again is of no use.</param>
/// <param name="Means">In words for people: a sentence.</param>
/// <param name="Cure">What the sender can do: a sentence.</param>
public sealed record BounceVerdict(BounceClass Class, bool IsHard, string Means, string Cure)
{
    /// <summary>The address itself is dead: nothing should be sent there again. In doubt it is not.</summary>
    public bool SuppressesAddress { get; init; }

    /// <summary>A limit of the receiver's was reached: it slows its site down and the mail is tried again, whatever the first digit of the reply.</summary>
    public bool IsRateSignal { get; init; }

    /// <summary>Both sentences.</summary>
    public string Explanation => $"{Means} {Cure}";
}
