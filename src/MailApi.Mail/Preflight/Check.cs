namespace MailApi.Mail.Preflight;

/// <summary>The answer of a check, the gravest last.</summary>
public enum CheckResult
{
    /// <summary>Nothing to do.</summary>
    Pass,
    /// <summary>It may cost trust at some receivers, or it could not be judged; the reason says which.</summary>
    Warn,
    /// <summary>Some receivers will refuse the message, file it as spam or show it broken.</summary>
    Fail,
}

/// <summary>What a check is about.</summary>
public enum CheckGroup
{
    Authentication,
    /// <summary>The rules that a named mailbox provider has published.</summary>
    Receivers,
    /// <summary>The sending server: its name and address.</summary>
    Connection,
    Headers,
    Mime,
    Subject,
    Content,
    Links,
    Unsubscribe,
    Attachments,
    Size,
    Blocklists,
    SpamFilter,
    Suppression,
    Limits,
}

/// <summary>One question put to a message before it is sent, and the answer, for a person who runs no mail server.</summary>
/// <param name="Name">Stable, in lower camel case.</param>
/// <param name="Group">What it is about.</param>
/// <param name="Result">The answer.</param>
/// <param name="Reason">One or two sentences with the values seen.</param>
/// <param name="Cure">What to change; null where there is nothing to change.</param>
public sealed record Check(string Name, CheckGroup Group, CheckResult Result, string Reason, string? Cure)
{
    public static Check Pass(string name, CheckGroup group, string reason) => new(name, group, CheckResult.Pass, reason, null);

    public static Check Warn(string name, CheckGroup group, string reason, string cure) => new(name, group, CheckResult.Warn, reason, cure);

    public static Check Fail(string name, CheckGroup group, string reason, string cure) => new(name, group, CheckResult.Fail, reason, cure);
}
