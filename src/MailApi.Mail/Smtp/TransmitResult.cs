namespace MailApi.Mail.Smtp;

/// <summary>What a reply was the answer to.</summary>
public enum Stage
{
    Connect,
    Greeting,
    Hello,
    StartTls,
    Auth,
    MailFrom,
    RcptTo,
    Data,

    /// <summary>The final dot.</summary>
    Content,
}

/// <summary>How the attempt to send one envelope ended. The set of cases is closed.</summary>
public abstract record TransmitResult
{
    private TransmitResult() { }

    /// <summary>The receiver has taken the message over.</summary>
    /// <param name="Reply">To the final dot.</param>
    /// <param name="Host">The name of the mail host.</param>
    /// <param name="TlsProtocol">As <c>TLSv1.3</c>; null when the message went in the clear.</param>
    public sealed record Accepted(Reply Reply, string Host, string? TlsProtocol) : TransmitResult
    {
        /// <summary>Why a message went in the clear although the host offers STARTTLS.</summary>
        public string? TlsFailure { get; init; }
    }

    /// <summary>The receiver said no, or we know that it would have; 4xx or 5xx tells whether for now or for good.</summary>
    /// <param name="Reply">The receiver's, or one of our own making where nothing was sent.</param>
    /// <param name="Host">Null when no host was asked.</param>
    /// <param name="Stage">What the reply answers.</param>
    public sealed record Refused(Reply Reply, string? Host, Stage Stage) : TransmitResult;

    /// <summary>No host could be spoken with, or it went away before the final dot: nothing was delivered, another attempt may succeed.</summary>
    public sealed record Unreachable(string Reason, string? Host) : TransmitResult
    {
        /// <summary>How far it came.</summary>
        public Stage Stage { get; init; }
    }

    /// <summary>The final dot may have been sent and no reply was read: the message may or may not be delivered (RFC 1047).</summary>
    public sealed record Uncertain(string Reason, string Host) : TransmitResult;

    /// <summary><see cref="Transmission.DotGate"/> said no: the connection was dropped before the final dot, nothing was delivered.</summary>
    public sealed record GateClosed(string Host) : TransmitResult;
}
