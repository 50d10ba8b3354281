using System.Globalization;

namespace MailApi.Mail.Smtp;

/// <summary>What a host says in its reply to EHLO that it can do (RFC 5321 §4.1.1.1), as far as it matters here.</summary>
internal sealed record Offered
{
    /// <summary>What a host can do that knows only HELO.</summary>
    public static readonly Offered Nothing = new();

    /// <summary>RFC 2920.</summary>
    public bool Pipelining { get; private init; }

    /// <summary>RFC 6152.</summary>
    public bool EightBitMime { get; private init; }

    /// <summary>RFC 6531.</summary>
    public bool SmtpUtf8 { get; private init; }

    /// <summary>RFC 3207.</summary>
    public bool StartTls { get; private init; }

    /// <summary>RFC 8689.</summary>
    public bool RequireTls { get; private init; }

    /// <summary>RFC 3461.</summary>
    public bool Dsn { get; private init; }

    /// <summary>The largest message in octets (RFC 1870); 0: not told.</summary>
    public long SizeMax { get; private init; }

    /// <summary>Mechanisms of AUTH (RFC 4954) in upper case.</summary>
    public IReadOnlyList<string> Auth { get; private init; } = [];

    /// <param name="lines">The first of which is the greeting.</param>
    public static Offered Read(IReadOnlyList<string> lines)
    {
        var offered = Nothing;
        foreach (var line in lines.Skip(1))
        {
            // "AUTH=LOGIN" was written before RFC 2554 was, and is still met.
            var words = line.ToUpperInvariant().Split([' ', '\t', '='], StringSplitOptions.RemoveEmptyEntries);
            offered = words switch
            {
                ["PIPELINING", ..] => offered with { Pipelining = true },
                ["8BITMIME", ..] => offered with { EightBitMime = true },
                ["SMTPUTF8", ..] => offered with { SmtpUtf8 = true },
                ["STARTTLS", ..] => offered with { StartTls = true },
                ["DSN", ..] => offered with { Dsn = true },
                ["REQUIRETLS", ..] => offered with { RequireTls = true },
                ["SIZE", var octets, ..] when long.TryParse(octets, NumberStyles.None, CultureInfo.InvariantCulture, out var max) => offered with { SizeMax = max },
                ["AUTH", .. var mechanisms] => offered with { Auth = [.. offered.Auth, .. mechanisms] },
                _ => offered,
            };
        }
        return offered;
    }
}
