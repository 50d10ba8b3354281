using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MimeKit;
using MimeKit.Encodings;

namespace MailApi.Mail.Composition;

/// <summary>
/// Domains are A-labels everywhere in this program and stay so. Left alone, MimeKit turns them into U-labels as soon as it reads an address, and
/// what is shown of a message would name another domain than the message does.
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
