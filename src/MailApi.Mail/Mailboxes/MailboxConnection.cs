using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailKit;
using MailKit.Net.Imap;
using MailKit.Net.Pop3;
using MailKit.Security;

namespace MailApi.Mail.Mailboxes;

/// <summary>
/// The connection of a session: made to the given addresses alone, with a certificate that is proven, and within bounds of time and size at every step.
/// </summary>
internal sealed class MailboxConnection(MailboxOptions options, TimeProvider time) : IDisposable
{
    /// <summary>For one address, one command or a login. A listing of a large folder takes seconds.</summary>
    public static readonly TimeSpan StepPatience = TimeSpan.FromSeconds(30);

    /// <summary>For the largest message over a slow line.</summary>
    public static readonly TimeSpan FetchPatience = TimeSpan.FromMinutes(5);

    /// <summary>For the end of a wait.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(3);

    /// <summary>What an answer other than a message may take: a listing of half a million messages.</summary>
    private const int AnswerBytesMax = 8 << 20;

    /// <summary>Of those that send no password in the clear or are spoken under TLS; a domain's (NTLM, GSSAPI) are none of a mailbox's.</summary>
    private static readonly string[] Mechanisms = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"];

    private BoundedStream? stream;
    private string? certificate;

    /// <summary>Connects, protects the connection and logs in.</summary>
    public async Task Open(MailService client, CancellationToken ct)
    {
        await Within(StepPatience, AnswerBytesMax, async step =>
        {
            stream = new BoundedStream(await Connect(step));
            stream.Allow(AnswerBytesMax);
            client.ServerCertificateValidationCallback = (_, shown, built, errors) => Judge(shown, built, errors);
            await client.ConnectAsync(stream, options.Host, options.Port, options.Tls == MailboxTls.Implicit ? SecureSocketOptions.SslOnConnect : SecureSocketOptions.StartTls, step);
            return true;
        }, ct);
        await Step(step => LogIn(client, step), ct);
    }

    /// <summary>One command.</summary>
    public Task Step(Func<CancellationToken, Task> command, CancellationToken ct) => Step(async step =>
    {
        await command(step);
        return true;
    }, ct);

    /// <summary>One command.</summary>
    public Task<T> Step<T>(Func<CancellationToken, Task<T>> command, CancellationToken ct) => Within(StepPatience, AnswerBytesMax, command, ct);

    /// <summary>A message; null when it has gone.</summary>
    public Task<byte[]?> Fetch(int octetsMax, Func<CancellationToken, Task<Stream>> command, CancellationToken ct) => Within(FetchPatience, octetsMax + (octetsMax / 4), async step =>
    {
        try
        {
            await using var content = await command(step);
            if (content.Length > octetsMax) throw new IOException("The message is larger than the server said");
            var octets = new byte[content.Length];
            await content.ReadExactlyAsync(octets, step);
            return octets;
        }
        catch (MessageNotFoundException)
        {
            return null;
        }
    }, ct);

    /// <summary>Waits until <paramref name="done"/>, and then as long as a server may take to answer that; one that does not is hung up on.</summary>
    public async Task Wait(Func<CancellationToken, Task> wait, CancellationToken done, CancellationToken ct)
    {
        using var hangUp = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var ending = done.Register(() => hangUp.CancelAfter(EndPatience));
        await using var closing = hangUp.Token.Register(Dispose);
        try
        {
            stream!.Allow(AnswerBytesMax);
            await wait(done);
        }
        catch (Exception failure) when (MailboxException.Of(failure, options, certificate) is { } told)
        {
            ct.ThrowIfCancellationRequested();
            throw told;
        }
    }

    public void Dispose() => stream?.Dispose();

    private async Task<T> Within<T>(TimeSpan patience, long octets, Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        using var timer = new CancellationTokenSource(patience, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, ct);
        // Whatever does not heed its token is left without its connection; after a command that was given up the session is of no more use anyway.
        await using var closing = deadline.Token.Register(Dispose);
        try
        {
            stream?.Allow(octets);
            return await work(deadline.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException || MailboxException.Of(failure, options, certificate) is not null)
        {
            ct.ThrowIfCancellationRequested();
            var isLate = timer.IsCancellationRequested || failure is OperationCanceledException;
            throw MailboxException.Of(isLate ? new TimeoutException(failure.Message, failure) : failure, options, certificate)!;
        }
    }

    private async Task<NetworkStream> Connect(CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync([.. options.Addresses], options.Port, ct);
            // A server that went without a word is noticed while nothing is said for minutes.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task LogIn(MailService client, CancellationToken ct)
    {
        if (options.Auth == MailboxAuth.Xoauth2)
        {
            try
            {
                await client.AuthenticateAsync(new SaslMechanismOAuth2(options.Username, options.Secret), ct);
            }
            catch (Exception refused) when (refused is CommandException or ProtocolException)
            {
                // A server says why in one more challenge (RFC 7628 §3.2.3), which MailKit takes for a breach of POP3.
                throw new MailKit.Security.AuthenticationException(refused.Message, refused);
            }
            return;
        }
        client.AuthenticationMechanisms.IntersectWith(Mechanisms);
        await client.AuthenticateAsync(Encoding.UTF8, new NetworkCredential(options.Username, options.Secret), ct);
    }

    /// <summary>Neither revocation lists nor issuers are fetched from addresses that the other side chose.</summary>
    private SslClientAuthenticationOptions Tls(string host)
    {
        var chain = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (options.TrustedRoots is { } roots)
        {
            chain.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.CustomTrustStore.AddRange(roots);
        }
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = chain,
        };
    }

    private bool Judge(X509Certificate? shown, X509Chain? built, SslPolicyErrors errors)
    {
        certificate = errors switch
        {
            SslPolicyErrors.None => null,
            _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) => $"{options.Host} shows no certificate",
            _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) => $"the certificate is not for {options.Host} but for {shown?.Subject}",
            _ => $"the certificate of {options.Host} is not proven ({string.Join(", ", built?.ChainStatus.Select(status => status.Status) ?? [])})",
        };
        return errors == SslPolicyErrors.None;
    }

    /// <summary>MailKit's, with our terms for TLS; who judges the certificate it has set already.</summary>
    public sealed class Imap(MailboxConnection connection) : ImapClient
    {
        protected override SslClientAuthenticationOptions GetSslClientAuthenticationOptions(string host, RemoteCertificateValidationCallback remoteCertificateValidationCallback) => connection.Tls(host);
    }

    /// <inheritdoc cref="Imap"/>
    public sealed class Pop3(MailboxConnection connection) : Pop3Client
    {
        protected override SslClientAuthenticationOptions GetSslClientAuthenticationOptions(string host, RemoteCertificateValidationCallback remoteCertificateValidationCallback) => connection.Tls(host);
    }
}
