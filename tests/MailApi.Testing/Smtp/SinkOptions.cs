using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MailApi.Testing;

/// <summary>How a sink treats every connection; what it does to a recipient is in <see cref="SinkScript"/>.</summary>
public sealed record SinkOptions
{
    /// <summary>Where to listen; by default on a port that is nobody else's, also while the sink is stopped.</summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, FreePort.Next());

    /// <summary>The name in the greeting and in the certificate.</summary>
    public string HostName { get; init; } = "mx.sink.test";

    /// <summary>The first reply, for example <c>554 5.7.1 no mail from you</c>; a negative one closes the connection.</summary>
    public string? Greeting { get; init; }

    public SinkTls Tls { get; init; } = SinkTls.None;

    /// <summary>Null: a self-signed one for <see cref="HostName"/>.</summary>
    public X509Certificate2? Certificate { get; init; }

    public bool OfferPipelining { get; init; } = true;
    public bool OfferEightBitMime { get; init; } = true;
    public bool OfferSmtpUtf8 { get; init; } = true;

    /// <summary>RFC 8689; under TLS alone.</summary>
    public bool OfferRequireTls { get; init; }

    /// <summary>Announced as SIZE (RFC 1870) and enforced.</summary>
    public long? SizeBytesMax { get; init; }

    /// <summary>Demanded by AUTH PLAIN or LOGIN before MAIL.</summary>
    public SinkCredentials? RequireAuth { get; init; }

    /// <summary>Demands AUTH XOAUTH2 or OAUTHBEARER before MAIL: does this user have this access token?</summary>
    public Func<string, string, bool>? RequireToken { get; init; }

    /// <summary>Connections beyond this many at a time are answered <c>421 4.7.0</c>.</summary>
    public int ConnectionsMax { get; init; } = int.MaxValue;

    /// <summary>How long a <c>tarpit</c> holds each reply.</summary>
    public TimeSpan TarpitDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An append-only file with one JSON line per accepted recipient, on disk before the reply leaves.</summary>
    public string? LedgerPath { get; init; }

    /// <summary>False for load: messages are counted and described, but their bytes and transcripts are not kept.</summary>
    public bool KeepContent { get; init; } = true;

    /// <summary>Of so many messages one keeps its bytes.</summary>
    public int KeepContentOfEvery { get; init; } = 1;
}

public sealed record SinkCredentials(string User, string Password);

/// <summary>What a sink does about TLS.</summary>
public enum SinkTls
{
    /// <summary>Not offered.</summary>
    None,

    /// <summary>STARTTLS is offered and works.</summary>
    StartTls,

    /// <summary>STARTTLS is offered and answered 220, but what follows is no TLS.</summary>
    Broken,

    /// <summary>As if someone on the path had overwritten the offer: <c>XXXXXXXX</c> in its place, and the command refused.</summary>
    Stripped,

    /// <summary>STARTTLS works, but the 220 comes in one segment with replies in plain text that a client must discard.</summary>
    Injecting,

    /// <summary>TLS from the first byte (RFC 8314).</summary>
    Implicit,
}
