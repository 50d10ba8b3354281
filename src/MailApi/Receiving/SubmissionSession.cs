using System.Data.Common;
using System.Net;
using MailApi.Mail.Composition;
using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;
using MailApi.Tenants;

namespace MailApi.Receiving;

/// <summary>One client of submission: the key that it logged in with, and what it sends by it.</summary>
internal sealed class SubmissionSession(SubmissionDesk desk, EndPoint? client)
{
    private static readonly Reply StoreAway = new(451, "4.3.0", "The store is away, nothing was accepted, try again later");

    private readonly IPAddress? address = (client as IPEndPoint)?.Address;
    private string key = "";

    /// <summary>The password is the key; the user name may be anything, since many programs insist on one.</summary>
    public async Task<Reply> Authenticate(Credentials credentials, CancellationToken ct)
    {
        var network = ClientNetwork.Of(client);
        if (!desk.Failures.MayTry(network)) return new Reply(421, "4.7.0", "Too many failed logins from your address, try again later");
        try
        {
            var known = await desk.Keys.Admit(credentials.Password, address, ct);
            if (known is null || !known.Caller.MaySendSome)
            {
                desk.Failures.Failed(network);
                return new Reply(535, "5.7.8", known is null ? "The password must be an API key; this one is unknown, revoked, expired, or not for this network" : "The key lacks the scope send");
            }
            desk.Failures.Succeeded(network);
            key = credentials.Password;
            return new Reply(235, "2.7.0", known.Caller.IsTest ? "A test key: mail goes to the sandbox" : "Welcome");
        }
        catch (DbException)
        {
            return new Reply(454, "4.7.0", "The store is away, try again later");
        }
    }

    /// <summary>Whom mail can be sent to at all; who gets it is known only after the content.</summary>
    public static Task<Reply> Check(Sender sender, MailPath recipient, CancellationToken ct) => Task.FromResult(
        EmailAddress.TryParse(recipient.ToString(), out _) ? new Reply(250, "2.1.5", "OK") : new Reply(553, "5.1.3", "No address that mail can be sent to"));

    public async Task<Reply> Deliver(ReceivedMessage message, CancellationToken ct)
    {
        try
        {
            // Asked again: the key may have been revoked since the login, or have expired.
            if (await desk.Keys.Admit(key, address, ct) is not { } known) return new Reply(550, "5.7.1", "The key was revoked or has expired since the login");
            return await desk.Take(known, message, ct);
        }
        catch (DbException e)
        {
            desk.LogStoreAway(e.Message);
            return StoreAway;
        }
    }
}
