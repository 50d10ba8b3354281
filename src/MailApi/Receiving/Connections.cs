using System.Net;
using MailApi.Mail.Smtp;

namespace MailApi.Receiving;

/// <summary>The sessions that a listener has open, in all and of each client, so that neither crowd nor glutton takes all of it (S-27).</summary>
internal sealed class Connections(int max, int perAddressMax)
{
    public static readonly Reply Full = new(421, "4.3.2", "Too many connections, try again later");
    public static readonly Reply FullForAddress = new(421, "4.7.0", "Too many connections from your address, try again later");

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> open = [];
    private int count;

    /// <summary>Null when the client may go on: it then must <see cref="Leave"/>.</summary>
    public Reply? Enter(IPAddress client)
    {
        lock (gate)
        {
            var ofClient = open.GetValueOrDefault(client);
            if (ofClient >= perAddressMax) return FullForAddress;
            if (count >= max) return Full;
            open[client] = ofClient + 1;
            count++;
            return null;
        }
    }

    public void Leave(IPAddress client)
    {
        lock (gate)
        {
            count--;
            if (--open[client] == 0) open.Remove(client);
        }
    }
}
