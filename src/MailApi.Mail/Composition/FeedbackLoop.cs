namespace MailApi.Mail.Composition;

/// <summary>Where complaints about a message go, and how they name it (RFC 9477). Receivers heed it only where the signature covers both fields (§3.1.4).</summary>
/// <param name="Address">Takes feedback reports (RFC 5965). At the domain of From, or below it, that domain's signature is enough (§3.1.2).</param>
/// <param name="FeedbackId">What a report quotes of the message: letters, digits, marks of an atom and colons (§5.2).</param>
public sealed record FeedbackLoop(string Address, string FeedbackId)
{
    internal void Write(FieldWriter fields)
    {
        fields.Text("CFBL-Address", $"{Address}; report=arf");
        fields.Text("CFBL-Feedback-ID", FeedbackId);
    }
}
