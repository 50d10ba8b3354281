using System.Net.Sockets;
using System.Text;
using MailApi.Mail.Smtp;
using MailKit;
using MailKit.Net.Imap;
using MailKit.Net.Pop3;
using MailKit.Security;

namespace MailApi.Mail.Mailboxes;

/// <summary>A mailbox cannot be used.</summary>
/// <param name="message">What happened and what to do, in sentences for the mailbox's owner. Without secrets.</param>
/// <param name="inner">As it was thrown.</param>
public sealed class MailboxException(string message, Exception? inner = null) : Exception(message, inner)
{
    private const int WordsCharsMax = 300;

    /// <summary>The server did not take the login: another access token may be taken.</summary>
    public bool IsLogin { get; private init; }

    /// <summary>What a failure means; null where it is none of the mailbox's.</summary>
    /// <param name="failure">As it was thrown.</param>
    /// <param name="options">Whose.</param>
    /// <param name="certificate">What is wrong with the server's certificate, if it was refused.</param>
    internal static MailboxException? Of(Exception failure, MailboxOptions options, string? certificate) => failure switch
    {
        MailboxException known => known,
        SslHandshakeException => new(Tls(options, certificate), failure),
        NotSupportedException when options.Tls == MailboxTls.StartTls => new($"{At(options)} does not offer STARTTLS. Use tls implicit and its port ({(options.Protocol == MailboxProtocol.Imap ? 993 : 995)}).", failure),
        AuthenticationException or SaslException => new(Login(options, failure), failure) { IsLogin = true },
        FolderNotFoundException gone => new($"{At(options)} has no folder {Printable(gone.FolderName, options)}. Compare its name, and write it as the server does: INBOX/Bounces, or INBOX.Bounces.", failure),
        ImapCommandException or Pop3CommandException => new($"{At(options)} refused a command: {Printable(failure.Message, options)}", failure),
        TimeoutException => new($"{At(options)} did not answer in time. Compare host and port; where the server is busy, it is tried again.", failure),
        SocketException refused => new($"{At(options)} could not be connected to ({refused.SocketErrorCode}). Compare host and port with those of the provider; a firewall on the way may close them.", failure),
        ProtocolException or IOException or ObjectDisposedException or ServiceNotConnectedException or ServiceNotAuthenticatedException => new(Broken(options, failure), failure),
        _ => null,
    };

    private static string At(MailboxOptions options) => $"{options.Host}:{options.Port}";

    private static string Tls(MailboxOptions options, string? certificate)
    {
        if (certificate is not null) return $"TLS failed: {certificate}. Give as host the name that the certificate is for, and have the server send its whole chain.";
        return options.Tls == MailboxTls.Implicit
            ? $"TLS failed at {At(options)}. If this port begins in the clear, use tls startTls; else the server must speak TLS 1.2 or later."
            : $"TLS failed at {At(options)} after STARTTLS. If the port begins with TLS, use tls implicit; else the server must speak TLS 1.2 or later.";
    }

    private static string Login(MailboxOptions options, Exception failure)
    {
        var said = Printable(failure.Message, options);
        return options.Auth == MailboxAuth.Xoauth2
            ? $"{At(options)} did not take the access token: {said} The user name must be the mailbox that the token is for, and its scope the right to {options.Protocol.ToString().ToUpperInvariant()}."
            : $"{At(options)} refused the login: {said} Compare user name and password; Google and Microsoft ask for xoauth2 or an app password.";
    }

    private static string Broken(MailboxOptions options, Exception failure) =>
        $"The connection to {At(options)} broke: {Printable(failure.GetBaseException().Message, options)} If it never holds, compare port and tls with those of the provider.";

    /// <summary>The server's own words: cut, without control characters, and without the secret if it should repeat it.</summary>
    private static string Printable(string words, MailboxOptions options)
    {
        foreach (var secret in (string[])[options.Secret, Convert.ToBase64String(Encoding.UTF8.GetBytes(options.Secret))])
            words = words.Replace(secret, "…", StringComparison.OrdinalIgnoreCase);
        words = Reply.Printable(words).Trim();
        words = words.Length <= WordsCharsMax ? words : words.Truncate(WordsCharsMax) + "…";
        return words.EndsWith('.') || words.EndsWith('…') ? words : words + ".";
    }
}
