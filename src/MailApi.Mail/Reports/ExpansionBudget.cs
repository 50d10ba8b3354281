namespace MailApi.Mail.Reports;

/// <summary>Octets that all that is packed in one mail or file may come to together, so that ten attachments cost no more than one.</summary>
internal sealed class ExpansionBudget
{
    private long left = ReportLimits.XmlOctetsMax;

    public bool IsSpent => left < 0;

    public void Take(int octets) => left -= octets;
}
