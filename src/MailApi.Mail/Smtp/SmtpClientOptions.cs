using System.Security.Cryptography.X509Certificates;

namespace MailApi.Mail.Smtp;

/// <summary>How we behave as a client.</summary>
public sealed record SmtpClientOptions
{
    /// <summary>What we call ourselves in EHLO where a route names no source; must match the PTR record of the egress address.</summary>
    public required string HeloName { get; init; }

    /// <summary>Patience for the TCP connection to one address.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public SmtpTimeouts Timeouts { get; init; } = new();

    /// <summary>Unused connections kept in all: each is a socket and some 10 KB.</summary>
    public int IdleMax { get; init; } = 500;

    /// <summary>For routes of which nothing more is known.</summary>
    public ConnectionTerms Terms { get; init; } = new();

    /// <summary>Certificate authorities trusted for relays in place of the system's; null: the system's.</summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>Told of every reply and of what it answers; for probes.</summary>
    internal Action<Stage, Reply>? Heard { get; init; }
}

/// <summary>How many connections a site is given, and for how long.</summary>
public sealed record ConnectionTerms
{
    /// <summary>Connections to the site at the same time, busy or idle; one more is opened only when another has ended.</summary>
    public int Connections { get; init; } = 100;

    /// <summary>Messages sent over one connection before it is left with QUIT.</summary>
    public int Messages { get; init; } = 100;

    /// <summary>How long an unused connection is kept. Receivers commonly hang up after 30 to 300 s.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Patience for the other side; the defaults are RFC 5321 §4.5.3.2's.</summary>
public sealed record SmtpTimeouts
{
    public TimeSpan Greeting { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>EHLO, STARTTLS with its handshake, and AUTH.</summary>
    public TimeSpan Hello { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan MailFrom { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan RcptTo { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan Data { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For the other side to take one block of content.</summary>
    public TimeSpan Block { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>For the reply to the final dot.</summary>
    public TimeSpan FinalDot { get; init; } = TimeSpan.FromMinutes(10);
}
