namespace MailApi.Mail.Shaping;

/// <summary>The profiles to start with. Receivers publish few figures: what is known is told by its source, the rest errs on the side of too little.</summary>
public static class ShippedProfiles
{
    /// <summary>For every site that no other profile holds for.</summary>
    public const string Default = "default";

    /// <summary>For relays, which take all mail of a tenant or of the service and know their own limits.</summary>
    public const string Relay = "relay";

    /// <summary>For mail hosts without any public address: the operator's own.</summary>
    public const string Private = "private";

    private const string KumoPolicy = "KumoMTA, assets/policy-extras/shaping.toml";
    private const string KumoCommunity = "KumoMTA, assets/community/shaping.toml";
    private const string Practice = "general practice, no figures are published";

    private static readonly DateOnly November2026 = new(2026, 11, 1);

    public static readonly IReadOnlyList<SiteProfile> All =
    [
        Profile(Default, [], connections: 10, messages: 100, perSecond: 100, KumoPolicy),
        Profile(Relay, [], connections: 100, messages: 100, perSecond: null, "our own choice: a relay is paid to take mail"),
        Profile(Private, [], connections: 100, messages: 100, perSecond: null, "our own choice: a host on a private network is the operator's"),
        Profile("gmail", ["google.com", "googlemail.com"], connections: 10, messages: 100, perSecond: 100, KumoPolicy + " (its default); " + Practice),
        Profile("microsoft", ["protection.outlook.com", "mx.microsoft"], connections: 5, messages: 50, perSecond: 100, KumoPolicy),
        Profile("yahoo", ["yahoodns.net"], connections: 10, messages: 20, perSecond: 100, KumoPolicy),
        Profile("yahooJapan", ["yahoo.co.jp"], connections: 2, messages: 20, perSecond: 10, KumoPolicy),
        Profile("icloud", ["icloud.com"], connections: 10, messages: 5, perSecond: 100, KumoPolicy),
        Profile("qq", ["qq.com"], connections: 4, messages: 8, perSecond: 5, KumoCommunity + "; limits by minute, hour and day are secret") with { Note = "Offers STARTTLS and expects it." },
        // Not verified: the figures of the same provider's free mailboxes.
        Profile("exmail", ["mxbiz1.qq.com", "mxbiz2.qq.com"], connections: 4, messages: 8, perSecond: 5, Practice) with { Note = "Offers STARTTLS and expects it." },
        Profile("netease", ["netease.com"], connections: 4, messages: 7, perSecond: 5, KumoCommunity) with { Note = "Its certificate does not validate." },
        Profile("alibaba", ["mxhichina.com", "aliyun.com"], connections: 5, messages: 20, perSecond: 10, Practice),
    ];

    private static SiteProfile Profile(string name, string[] suffixes, int connections, int messages, double? perSecond, string source) => new()
    {
        Name = name,
        MxSuffixes = suffixes,
        Connections = connections,
        MessagesPerConnection = messages,
        PerSecond = perSecond,
        Source = source,
        AsOf = November2026,
    };
}
