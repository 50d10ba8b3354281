using System.Net;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Mailboxes;
using MailApi.Mail.Routing;
using MailApi.OAuth;

namespace MailApi.Mailboxes;

internal sealed class MailboxValidator : AbstractValidator<MailboxRequest>
{
    private const int UsernameCharsMax = 320;
    private const int PasswordCharsMax = 4_096;
    private const int FolderCharsMax = 200;

    /// <summary>RFC 9051, 1939, 2595 and 8314. Behind other ports is no mailbox.</summary>
    public static readonly int[] Ports = [110, 143, 993, 995];

    public const string PrivateHost = "The host has no address of the public internet; the operator may allow others (Delivery__AllowPrivateNetworks).";

    private static readonly string Pop3 = MailboxProtocol.Pop3.ToText();
    private static readonly string Move = AfterTaking.Move.ToText();

    /// <param name="network">What addresses and ports a mailbox may have.</param>
    public MailboxValidator(RoutingOptions network)
    {
        var isPrivate = network.AllowPrivateNetworks;
        RuleFor(mailbox => mailbox.Protocol).Must(text => EnumText.TryParse<MailboxProtocol>(text, out _)).OverridePropertyName("protocol").WithMessage($"One of {Fields.Words<MailboxProtocol>()}.");
        RuleFor(mailbox => mailbox.Host).Must(Fields.IsHost).OverridePropertyName("host").WithMessage("A host name or an address is required, such as imap.example.com.");
        RuleFor(mailbox => mailbox.Host).Must(host => isPrivate || !IPAddress.TryParse(host, out var literal) || GlobalUnicast.Contains(literal)).OverridePropertyName("host").WithMessage(PrivateHost);
        RuleFor(mailbox => mailbox.Port).Must(port => port is null or (>= 1 and <= 65535)).OverridePropertyName("port").WithMessage("Between 1 and 65535.");
        RuleFor(mailbox => mailbox.Port).Must(port => isPrivate || port is null || Ports.Contains(port.Value)).OverridePropertyName("port")
            .WithMessage($"Mailboxes are read on the ports {string.Join(", ", Ports)}.");
        RuleFor(mailbox => mailbox.Tls).Must(text => text is null || EnumText.TryParse<MailboxTls>(text, out _)).OverridePropertyName("tls")
            .WithMessage($"One of {Fields.Words<MailboxTls>()}; a mailbox is never read in the clear.");
        AddLoginRules(isPrivate);
        AddFolderRules();
    }

    private void AddLoginRules(bool isPrivate)
    {
        RuleFor(mailbox => mailbox.Auth).Must(text => text is null || EnumText.TryParse<MailboxAuth>(text, out _)).OverridePropertyName("auth").WithMessage($"One of {Fields.Words<MailboxAuth>()}.");
        RuleFor(mailbox => mailbox.Username).Must(text => Fields.IsText(text, UsernameCharsMax)).OverridePropertyName("username").WithMessage($"A user name of 1 to {UsernameCharsMax} characters is required.");
        RuleFor(mailbox => mailbox.Password).Must(text => text is null || Fields.IsText(text, PasswordCharsMax)).OverridePropertyName("password").WithMessage($"1 to {PasswordCharsMax} characters.");
        RuleFor(mailbox => mailbox.Password).NotNull().When(mailbox => mailbox.OAuth is null && mailbox.Auth != MailboxAuth.Xoauth2.ToText()).OverridePropertyName("password")
            .WithMessage("A password is required, with every change anew; or say with oauth how access tokens are had.");
        RuleFor(mailbox => mailbox.Password).Null().When(mailbox => mailbox.OAuth is not null).OverridePropertyName("password").WithMessage("Either a password or oauth.");
        RuleFor(mailbox => mailbox.OAuth).NotNull().When(mailbox => mailbox.Auth == MailboxAuth.Xoauth2.ToText()).OverridePropertyName("oauth")
            .WithMessage("This login takes access tokens: say how they are had.");
        RuleFor(mailbox => mailbox.Auth).NotEqual(MailboxAuth.Password.ToText()).When(mailbox => mailbox.OAuth is not null).OverridePropertyName("auth").WithMessage("With oauth the login is xoauth2.");
        RuleFor(mailbox => mailbox.OAuth!).SetValidator(new OAuthValidator(isPrivate)).When(mailbox => mailbox.OAuth is not null).OverridePropertyName("oauth");
    }

    private void AddFolderRules()
    {
        RuleFor(mailbox => mailbox.Folder).Must(IsFolder).OverridePropertyName("folder").WithMessage($"1 to {FolderCharsMax} characters.");
        RuleFor(mailbox => mailbox.MoveTo).Must(IsFolder).OverridePropertyName("moveTo").WithMessage($"1 to {FolderCharsMax} characters.");
        RuleFor(mailbox => mailbox.After).Must(text => text is null || EnumText.TryParse<AfterTaking>(text, out _)).OverridePropertyName("after").WithMessage($"One of {Fields.Words<AfterTaking>()}.");
        RuleFor(mailbox => mailbox.After).NotEqual(Move).When(mailbox => mailbox.Protocol == Pop3).OverridePropertyName("after").WithMessage("POP3 has no folders: delete, or flag, which leaves the message on the server.");
        RuleFor(mailbox => mailbox.Folder).Null().When(mailbox => mailbox.Protocol == Pop3).OverridePropertyName("folder").WithMessage("POP3 has no folders.");
        RuleFor(mailbox => mailbox.MoveTo).Null().When(mailbox => mailbox.Protocol == Pop3 || (mailbox.After is not null && mailbox.After != Move)).OverridePropertyName("moveTo").WithMessage("Only move has a folder to move to.");
        RuleFor(mailbox => mailbox.MoveTo).Must((mailbox, to) => !(to ?? MailboxRequest.MoveToDefault).Equals(mailbox.Folder ?? MailboxRequest.FolderDefault, StringComparison.OrdinalIgnoreCase))
            .OverridePropertyName("moveTo").WithMessage("What was taken cannot be moved to where it was found.");
    }

    private static bool IsFolder(string? name) => name is null || Fields.IsText(name, FolderCharsMax);
}
