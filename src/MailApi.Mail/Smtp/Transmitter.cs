using System.Net;
using MailApi.Mail.Composition;
using MailApi.Mail.Routing;
using MailApi.Mail.Tls;

namespace MailApi.Mail.Smtp;

/// <summary>
/// Sends envelopes, one at a time each, over pooled connections. Every answer of the other side, of the network and of the clock is a value;
/// nothing is ever sent twice in one call once a receiver has asked for the content.
/// </summary>
public sealed class Transmitter(SmtpClientOptions options, TimeProvider time) : IAsyncDisposable
{
    private readonly ConnectionPool pool = new(options, time);

    /// <summary>Connections that wait for their next message.</summary>
    public int IdleConnections => pool.Count;

    /// <summary>Tries the hosts of the route in turn until one takes or refuses the envelope.</summary>
    /// <param name="route">Where to.</param>
    /// <param name="transmission">What.</param>
    /// <param name="ct">Ends the attempt only until a receiver has asked for the content; from then on only <see cref="SmtpTimeouts"/> do.</param>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled before any content was sent.</exception>
    /// <exception cref="ArgumentException">The content is no message (see <see cref="Transmission.Content"/>).</exception>
    public Task<TransmitResult> Transmit(Route route, Transmission transmission, CancellationToken ct) => Transmit(route, options.Terms, transmission, ct);

    /// <param name="terms">For the connections to the route's site. With all of them busy the attempt waits.</param>
    /// <inheritdoc cref="Transmit(Route, Transmission, CancellationToken)"/>
    public async Task<TransmitResult> Transmit(Route route, ConnectionTerms terms, Transmission transmission, CancellationToken ct)
    {
        if (Unaddressable(transmission) is { } refused) return refused;

        TransmitResult? failure = null;
        foreach (var host in route.Hosts)
        {
            foreach (var address in host.Addresses)
            {
                if (route.Source is { } source && source.Local.AddressFamily != address.AddressFamily) continue;
                ct.ThrowIfCancellationRequested();
                var key = new ConnectionKey(host.Name, new IPEndPoint(address, host.Port), route.Tls, route.Credentials, host.Demand, route.Source);
                var (result, final) = await Try(route, terms, key, transmission, ct);
                if (final) return result;
                failure = Graver(failure, result);
            }
        }
        return failure ?? new TransmitResult.Unreachable("the route has no address", null);
    }

    /// <summary>Takes leave of all idle connections. Call it after the last attempt has returned.</summary>
    public ValueTask DisposeAsync() => pool.DisposeAsync();

    private async Task<(TransmitResult Result, bool Final)> Try(Route route, ConnectionTerms terms, ConnectionKey key, Transmission transmission, CancellationToken ct)
    {
        if (pool.Take(route.Site, key) is { } pooled)
        {
            var (result, final) = await Send(route.Site, terms, pooled, transmission, ct);
            // The receiver tired of the idle connection, which says nothing about this envelope.
            var stale = !final || result is TransmitResult.Refused { Stage: Stage.MailFrom, Reply.Code: 421 };
            if (!stale) return (result, final);
        }

        await pool.Reserve(route.Site, terms, ct);
        SmtpConnection? fresh = null;
        try
        {
            (fresh, var failure) = await SmtpConnection.Open(key, options, route.TlsSessions, time, ct);
            if (fresh is null) return (failure!, false);
        }
        finally
        {
            if (fresh is null) pool.Closed(route.Site);
        }
        CrashPoint.Pass("after-connect");
        return await Send(route.Site, terms, fresh, transmission, ct);
    }

    private async Task<(TransmitResult Result, bool Final)> Send(
        string site, ConnectionTerms terms, SmtpConnection connection, Transmission transmission, CancellationToken ct)
    {
        try
        {
            var result = await connection.Send(transmission, ct);
            // Without a word of the receiver and with nothing sent, another host may do.
            return (result, connection.ContentBegun || result is not TransmitResult.Unreachable);
        }
        finally
        {
            pool.Return(site, terms, connection);
        }
    }

    /// <summary>Of several hosts that failed, one that may yet work outweighs those that said never, and among those a reply says more than silence.</summary>
    private static TransmitResult Graver(TransmitResult? one, TransmitResult other)
    {
        return one is null || Weight(other) > Weight(one) ? other : one;

        static int Weight(TransmitResult failure) => failure switch
        {
            TransmitResult.Refused { Reply.IsPermanent: true } => 0,
            TransmitResult.Unreachable => 1,
            _ => 2,
        };
    }

    private static TransmitResult.Refused? Unaddressable(Transmission transmission)
    {
        if (transmission.MailFrom.Length > 0 && !IsSafe(transmission.MailFrom, transmission.NeedsSmtpUtf8))
        {
            return new TransmitResult.Refused(new Reply(553, "5.1.7", "the return path cannot be put on a command line"), null, Stage.MailFrom);
        }
        return IsSafe(transmission.Recipient, transmission.NeedsSmtpUtf8)
            ? null
            : new TransmitResult.Refused(new Reply(553, "5.1.3", "the recipient's address cannot be put on a command line"), null, Stage.RcptTo);
    }

    /// <summary>The last line of defence. Domains are A-labels, so what is not ASCII is the local part.</summary>
    private static bool IsSafe(string text, bool utf8) =>
        EmailAddress.TryParse(text, out var address) && string.Equals(address.ToString(), text, StringComparison.OrdinalIgnoreCase) && (utf8 || !address.NeedsSmtpUtf8);
}
