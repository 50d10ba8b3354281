using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace MailApi.Hosting;

/// <summary>Behind a proxy the client is whom the proxy names: keys are bound to networks, and acts are noted with where they came from.</summary>
internal static class Proxies
{
    public static bool TryParse(string text, out IPNetwork network)
    {
        if (IPAddress.TryParse(text, out var address)) network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        else if (!IPNetwork.TryParse(text, out network)) return false;
        return true;
    }

    public static void UseTrustedProxies(this WebApplication app, IReadOnlyList<string> trusted)
    {
        // Without any the middleware would not look at who sends the headers.
        if (trusted.Count == 0) return;
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var text in trusted)
            if (TryParse(text, out var network)) options.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(options);
    }
}
