namespace MailApi.Mail.Shaping;

/// <summary>
/// How much a site is given: additive increase while it takes what it is sent, multiplicative decrease when it asks for less. It never
/// exceeds the profile. The figures are those of all nodes together.
/// </summary>
internal sealed class Pace(SiteProfile profile)
{
    /// <summary>Messages taken between two steps up. At a lower rate a second's worth is enough, or recovery from the slowest would take hours.</summary>
    public const int SuccessesPerStep = 20;

    /// <summary>Steps from nothing to the whole rate.</summary>
    private const int RateSteps = 20;

    /// <summary>The slowest: one a minute. A receiver that wants less says for how long it wants nothing.</summary>
    public const double PerSecondMin = 1 / 60d;

    private int successes;

    /// <summary>The receiver has told the rate that it wants: it is not left so quickly.</summary>
    private bool isTold;

    /// <summary>At a rate as high as this the profile's own holds again.</summary>
    private double wholeRate = profile.PerSecond ?? 0;

    public int Connections { get; private set; } = profile.Connections;

    /// <summary>Null: as many as the connections carry.</summary>
    public double? PerSecond { get; private set; } = profile.PerSecond;

    public bool IsSlowed => Connections < profile.Connections || PerSecond != profile.PerSecond;

    /// <summary>The site took a message.</summary>
    public void Succeeded()
    {
        if (!IsSlowed || ++successes < (isTold ? SuccessesPerStep : Math.Clamp(PerSecond ?? SuccessesPerStep, 1, SuccessesPerStep))) return;
        successes = 0;
        Connections = Math.Min(profile.Connections, Connections + 1);
        if (PerSecond is not { } rate) return;
        // At most twice as much: from one a minute a twentieth of the whole would be a leap.
        rate = Math.Min(rate * 2, rate + wholeRate / RateSteps);
        PerSecond = rate < wholeRate ? rate : profile.PerSecond;
        isTold = isTold && rate < wholeRate;
    }

    /// <param name="carriedPerSecond">What the site took of late, where no rate is set.</param>
    public void Slow(double carriedPerSecond)
    {
        LimitTo(Math.Min(PerSecond ?? carriedPerSecond, carriedPerSecond) / 2, carriedPerSecond);
        HalveConnections();
    }

    /// <summary>Of the only one the receiver has too many because it is opened too often.</summary>
    public void FewerConnections(double carriedPerSecond)
    {
        if (Connections > 1) HalveConnections();
        else Slow(carriedPerSecond);
    }

    public void SlowTo(double perSecond, double carriedPerSecond)
    {
        successes = 0;
        isTold = true;
        LimitTo(Math.Min(PerSecond ?? perSecond, perSecond), carriedPerSecond);
    }

    private void HalveConnections()
    {
        successes = 0;
        Connections = Math.Max(1, Connections / 2);
    }

    private void LimitTo(double perSecond, double carriedPerSecond)
    {
        if (profile.PerSecond is null) wholeRate = Math.Max(wholeRate, Math.Max(carriedPerSecond, perSecond));
        PerSecond = Math.Max(PerSecondMin, perSecond);
    }
}
