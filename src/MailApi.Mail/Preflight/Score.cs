namespace MailApi.Mail.Preflight;

/// <summary>
/// All checks as one number: ten, less what each check that warns or fails takes away, not below nought, to one decimal. A failed check of the
/// group <see cref="CheckGroup.Authentication"/> caps the score, for no wording makes up for mail that nobody can trust.
/// </summary>
public static class Score
{
    public const double Best = 10;

    /// <summary>The highest score with a failed authentication.</summary>
    public const double UnauthenticatedMax = 4;

    /// <summary>What a check takes away that has no weight of its own.</summary>
    public static readonly Weight Usual = new(Fail: 1.5, Warn: 0.3);

    /// <summary>0 to 10.</summary>
    public static double Of(IReadOnlyCollection<Check> checks)
    {
        var left = Best - checks.Sum(Cost);
        if (checks.Any(check => check is { Group: CheckGroup.Authentication, Result: CheckResult.Fail })) left = Math.Min(left, UnauthenticatedMax);
        return Math.Round(Math.Max(0, left), 1);
    }

    /// <summary>What one check takes away.</summary>
    public static double Cost(Check check)
    {
        var weight = WeightOf(check.Name);
        return check.Result switch
        {
            CheckResult.Fail => weight.Fail,
            CheckResult.Warn => weight.Warn,
            _ => 0,
        };
    }

    private static Weight WeightOf(string check) => check switch
    {
        // Receivers refuse what is malformed.
        "requiredHeaders" or "duplicateHeaders" or "headerSize" or "lineEnds" => new(4, 1),
        "fromAddress" or "mimeStructure" or "textAlternative" => new(4, 0.5),
        "headerSyntax" or "lineLength" => new(3, 0.2),
        "messageSize" or "attachmentTypes" => new(5, 0.5),
        // Each is a part of the world only, and what it objects to is mostly weighed by other checks too.
        "gmail" or "yahoo" or "microsoft" => new(1, 0.3),
        // A warning says that it could not be judged, which is nobody's fault here.
        "blocklists" => new(4, 0),
        "reverseDns" => new(3, 0),
        "helo" => new(1.5, 0),
        "spamAssassin" => new(4, 0.5),
        // Deception.
        "attachmentContent" or "attachmentNames" => new(4, 0.3),
        "fromDisplayName" or "mixedScripts" or "hiddenCharacters" or "hiddenText" or "linkText" or "linkAddresses" => new(3, 0.5),
        "linkShorteners" or "activeContent" or "attachmentArchives" => new(2.5, 0.5),
        "oneClickUnsubscribe" or "unsubscribeLink" => new(3, 0.3),
        _ => Usual,
    };

    /// <summary>Points of ten.</summary>
    public readonly record struct Weight(double Fail, double Warn);
}
