using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailApi.Testing;

/// <summary>The web server of an MTA-STS policy on loopback: it answers every request alike, and closes.</summary>
public sealed class PolicyHost : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly X509Certificate2 _certificate;
    private readonly Task _serving;
    private int _requests;

    private PolicyHost(X509Certificate2 certificate, string answer)
    {
        (_certificate, Answer) = (certificate, answer);
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Status line, headers and body, as <see cref="Policy"/> makes it.</summary>
    public string Answer { get; set; }

    public int Requests => Volatile.Read(ref _requests);

    public static PolicyHost Start(X509Certificate2 certificate, string answer) => new(certificate, answer);

    /// <summary>An answer with a policy for these mail hosts.</summary>
    public static string Policy(string mode, params string[] hosts) =>
        $"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nversion: STSv1\nmode: {mode}\n{string.Concat(hosts.Select(host => $"mx: {host}\n"))}max_age: 86400\n";

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        _listener.Stop();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true) clients.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            await using var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
            using var reader = new StreamReader(stream, leaveOpen: true);
            var line = await reader.ReadLineAsync(_stop.Token);
            while (line is { Length: > 0 }) line = await reader.ReadLineAsync(_stop.Token);
            // It went away without a request: it does not like the certificate.
            if (line is null) return;
            Interlocked.Increment(ref _requests);
            await stream.WriteAsync(Encoding.UTF8.GetBytes(Answer), _stop.Token);
            await stream.ShutdownAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or AuthenticationException or SocketException)
        {
            // A client that has gone, or the end.
        }
    }
}
