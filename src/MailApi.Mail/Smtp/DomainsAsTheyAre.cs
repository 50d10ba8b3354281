using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MimeKit;
using MimeKit.Encodings;

namespace MailApi.Mail.Smtp;

/// <summary>
/// Domains are A-labels everywhere in this program and stay so. Left alone, MimeKit turns them into U-labels as soon as it reads an address, and
/// MailKit then asks for SMTPUTF8 or puts another domain on the command line than the one that was routed by.
/// </summary>
internal sealed class DomainsAsTheyAre : IPunycode
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "MimeKit has one mapping per process; all of this assembly relies on this one.")]
    internal static void Install() => MailboxAddress.IdnMapping = new DomainsAsTheyAre();

    public string Encode(string domain) => domain;

    public string Encode(string domain, int index) => domain[index..];

    public string Encode(string domain, int index, int count) => domain.Substring(index, count);

    public string Decode(string domain) => domain;

    public string Decode(string domain, int index) => domain[index..];

    public string Decode(string domain, int index, int count) => domain.Substring(index, count);
}
