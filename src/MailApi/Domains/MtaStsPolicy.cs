using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailApi.Domains;

/// <summary>
/// The MTA-STS policy of every return-path host (RFC 8461 §3.2): bounces come to this service alone, over TLS alone. The Api role serves it; the
/// proxy in front has the certificate of <c>mta-sts.bounces.…</c>.
/// </summary>
internal static class MtaStsPolicy
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(7);

    public static string Text(DomainOptions options) => string.Create(CultureInfo.InvariantCulture,
        $"version: STSv1\r\nmode: enforce\r\nmx: {options.ServiceHost}\r\nmax_age: {MaxAge.TotalSeconds:0}\r\n");

    /// <summary>Changes with the policy (RFC 8461 §3.1): at most 32 letters and digits.</summary>
    public static string Id(DomainOptions options) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text(options))).AsSpan(0, 10));
}
