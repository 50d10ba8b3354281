using MailApi.Mail.Smtp;

namespace MailApi.Mail.Shaping;

/// <summary>The answer to who wants to go to a site. The set of cases is closed.</summary>
public abstract record Admission
{
    private Admission() { }

    /// <summary>Go; and say with <see cref="SiteVisit.Leave"/> what came of it.</summary>
    public sealed record Entered(SiteVisit Visit) : Admission;

    /// <summary>A connection will be free soon.</summary>
    /// <param name="Turn">Ends in one of the other cases.</param>
    /// <param name="GiveUp">Ends it early, in a refusal unless the turn has come meanwhile.</param>
    public sealed record Waiting(Task<Admission> Turn, Action GiveUp) : Admission;

    /// <summary>Come back after this delay, in whole milliseconds. Refusals in a row are given slots in a row.</summary>
    public sealed record Refused(TimeSpan Delay) : Admission;
}

/// <summary>One attempt's stay at a site.</summary>
public sealed class SiteVisit
{
    private readonly Site site;
    private int left;

    internal SiteVisit(Site site, ConnectionTerms terms, TimeSpan enteredAt, bool probe) => (this.site, Terms, EnteredAt, IsProbe) = (site, terms, enteredAt, probe);

    /// <summary>For the connection it uses.</summary>
    public ConnectionTerms Terms { get; }

    internal TimeSpan EnteredAt { get; }

    /// <summary>It decides whether the site's breaker closes.</summary>
    internal bool IsProbe { get; }

    /// <summary>Lets the next one in, and draws the conclusions.</summary>
    /// <param name="result">Null: the site was not spoken to.</param>
    public void Leave(TransmitResult? result)
    {
        if (Interlocked.Exchange(ref left, 1) == 0) site.Left(this, result);
    }
}
