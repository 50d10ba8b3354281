using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace MailApi.Receiving;

/// <summary>Section <c>Receive</c>: the SMTP listeners. Each is off until it has an address, as <c>ip:port</c>.</summary>
public sealed class ReceiveOptions
{
    /// <summary>Clients wait five minutes for a greeting (RFC 5321 §4.5.3.2.1), but most have less patience.</summary>
    public static readonly TimeSpan GreetingPauseMax = TimeSpan.FromSeconds(30);

    /// <summary>Port 25: bounces, feedback reports, DMARC and TLS reports, unsubscriptions; nothing else. Processes without the role Receive learn from it that mail comes in.</summary>
    public string? Smtp { get; set; }

    /// <summary>Port 587 (RFC 6409): mail of callers who speak SMTP, after STARTTLS and AUTH.</summary>
    public string? Submission { get; set; }

    /// <summary>Port 465 (RFC 8314 §3.3): the same, under TLS from the first octet.</summary>
    public string? SubmissionTls { get; set; }

    /// <summary>A certificate in PEM, with those that lead to its issuer; by default a self-signed one that is made in <c>DataDirectory</c>.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its key, in PEM.</summary>
    public string? CertificateKeyPath { get; set; }

    /// <summary>Sessions of one listener at a time; the next client is told 421 4.3.2.</summary>
    [Range(1, 9000, ErrorMessage = "Between 1 and 9000.")]
    public int ConnectionsMax { get; set; } = 2000;

    /// <summary>Sessions of one listener with one client address (a /64 for IPv6) at a time; the next is told 421 4.7.0.</summary>
    [Range(1, 9000, ErrorMessage = "Between 1 and 9000.")]
    public int ConnectionsPerAddressMax { get; set; } = 50;

    /// <summary>Refused logins of one client address before it has to wait: a minute, then two, four, at last fifteen. Meanwhile its logins are told 421 4.7.0.</summary>
    [Range(1, 1000, ErrorMessage = "Between 1 and 1000.")]
    public int LoginFailuresMax { get; set; } = 10;

    /// <summary>How long port 25 holds its greeting back, to see whether a client speaks out of turn; those that do are no mail servers. <see cref="Acquaintances"/> are greeted at once.</summary>
    public TimeSpan GreetingPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>One of them at least has an address.</summary>
    public bool Listens => Smtp is not null || Submission is not null || SubmissionTls is not null;

    /// <summary>Reads <c>127.0.0.1:587</c> or <c>[::]:587</c>; port 0 takes any that is free.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? endpoint) =>
        IPEndPoint.TryParse(text, out endpoint) && text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{endpoint.Port}"), StringComparison.Ordinal);
}
