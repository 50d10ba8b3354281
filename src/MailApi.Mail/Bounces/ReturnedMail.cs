namespace MailApi.Mail.Bounces;

/// <summary>
/// Reads what comes back: delivery status notifications (RFC 3464, RFC 6533), the bounces that are none, feedback reports (RFC 5965), the answers of
/// machines (RFC 3834, RFC 8098), and nothing of what people write.
/// </summary>
/// <remarks>
/// Each kind is asked for by what cannot be mistaken first: a report by its parts, then a bounce by who writes it and what it says, then an answer by its
/// fields. Nothing that a message says is trusted: it names marks (<see cref="About"/>), whose keys the caller checks.
/// </remarks>
public static class ReturnedMail
{
    /// <summary>Never throws, whatever the octets are; work and memory are bounded (<see cref="Outline"/>).</summary>
    public static Returned Read(ReadOnlyMemory<byte> message)
    {
        var parts = Outline.Read(message);
        var marks = new Marks(parts);
        if (Complaints.Read(parts, marks) is { } complaint) return complaint;
        if (DeliveryReport.Read(parts, marks) is { } status) return status;
        if (AutoReplies.ReadReceipt(parts, marks) is { } receipt) return receipt;
        if (BounceNotice.Read(parts, marks) is { } bounce) return bounce;
        return AutoReplies.IsOne(parts) ? new Returned.AutoReply { About = marks.About() } : new Returned.Other { About = marks.About() };
    }

    /// <summary>The same where nothing but a <see cref="Returned.Complaint"/> counts: all else is <see cref="Returned.Other"/>.</summary>
    public static Returned ReadComplaint(ReadOnlyMemory<byte> message)
    {
        var parts = Outline.Read(message);
        return Complaints.Read(parts, new Marks(parts)) as Returned ?? new Returned.Other();
    }
}
