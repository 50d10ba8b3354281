using System.Text;
using MailApi.Mail.Bounces;
using MailApi.Mail.Composition;
using MailApi.Mail.Smtp.Listener;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>Addresses, names and paths, one in each line: what is read prints as the same, and is safe where it goes.</summary>
internal static class AddressTarget
{
    private static readonly Verp Verp = new(new byte[32]);

    public static readonly byte[][] Seeds = Texts.Octets(
        "ann@example.net", "\"a b\\\"\"@example.net", "Ann Example <ann@example.net>", "\"Li, Ann\" <ann.li@example.net>", "李安 <a@例子.中国>", "postmaster", "a@[192.0.2.1]", "x@[IPv6:::1]", "ünal@bücher.example",
        Verp.Tag(Guid.Parse("0198c0de-0000-7000-8000-000000000001"), new DateOnly(2026, 12, 1)) + "@bounces.example", "a@xn--bcher-kva.example", "FAß@STRASSE.example", "a.b+c=d@x--y.test");

    public static readonly string[] Words = ["@", "\"", "\\", "<", ">", ".", "xn--", "\u00AD", "\u200D", "ß", "。", "İ", "\uD83D\uDE00", "@[", "IPv6:", "]", "(", ")", ",", ":", " ", "\u202E", "ﬀ"];

    public static string Try(byte[] input)
    {
        var shape = new StringBuilder();
        foreach (var line in Texts.Of(input).Split('\n').Take(20)) shape.Append(TryLine(line));
        return shape.ToString();
    }

    private static string TryLine(string line)
    {
        var isPath = MailPath.TryParse(line, out var path);
        if (isPath && (!MailPath.TryParse(path!.ToString(), out var pathAgain) || pathAgain != path)) throw new InvalidOperationException($"The path {path} reads otherwise.");
        var isName = DomainName.TryParse(line, out var domain);
        if (isName && (!DomainName.TryParse(domain, out var domainAgain) || domainAgain != domain || !Ascii.IsValid(domain))) throw new InvalidOperationException($"The domain {domain} reads otherwise.");
        var isAddress = EmailAddress.TryParse(line, out var address);
        if (isAddress) Check(address!);
        var isMailbox = Mailbox.TryParse(line, out var mailbox);
        if (isMailbox)
        {
            Check(mailbox!.Address);
            if (!Mailbox.TryParse(mailbox.ToString(), out var again) || again != mailbox) throw new InvalidOperationException($"The mailbox {mailbox} reads otherwise.");
        }
        // The seed's own tag is read, in either case; another would be forged.
        if (Verp.TryRead(line.Split('@')[0], new DateOnly(2026, 12, 1), out var envelope) && envelope != Guid.Parse("0198c0de-0000-7000-8000-000000000001")) throw new InvalidOperationException("A forged tag.");
        return $"{(isPath ? 'p' : '-')}{(isName ? 'd' : '-')}{(isAddress ? 'a' : '-')}{(isMailbox ? mailbox!.DisplayName is null ? 'm' : 'n' : '-')}{(envelope == default ? '-' : 'v')} ";
    }

    private static void Check(EmailAddress address)
    {
        var text = address.ToString();
        if (!EmailAddress.TryParse(text, out var again) || again != address) throw new InvalidOperationException($"The address {address} reads otherwise.");
        if (text.Any(char.IsControl) || Encoding.UTF8.GetByteCount(text) > EmailAddress.OctetsMax) throw new InvalidOperationException($"The address {address} is not safe on a command line.");
        if (Ascii.IsValid(text) && !MailPath.TryParse(text, out _)) throw new InvalidOperationException($"No server takes the path {address}.");
    }
}
