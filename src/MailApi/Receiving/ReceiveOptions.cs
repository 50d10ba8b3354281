namespace MailApi.Receiving;

/// <summary>Section <c>Receive</c>: the SMTP listeners. Each is off until it has an address, as <c>ip:port</c>.</summary>
public sealed class ReceiveOptions
{
    /// <summary>Port 25: bounces, feedback reports, DMARC and TLS reports, unsubscriptions; nothing else.</summary>
    public string? Smtp { get; set; }

    /// <summary>Port 587 (RFC 6409): mail of callers who speak SMTP, after STARTTLS and AUTH.</summary>
    public string? Submission { get; set; }

    /// <summary>Port 465 (RFC 8314 §3.3): the same, under TLS from the first octet.</summary>
    public string? SubmissionTls { get; set; }

    /// <summary>A certificate in PEM, with those that lead to its issuer; by default a self-signed one that is made in <c>DataDirectory</c>.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its key, in PEM.</summary>
    public string? CertificateKeyPath { get; set; }
}
