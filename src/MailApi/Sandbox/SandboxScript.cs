using MailApi.Mail.Smtp;
using MailApi.Mail.Smtp.Listener;

namespace MailApi.Sandbox;

/// <summary>
/// What the sandbox does with a recipient, so that failures can be tried too. The local part decides, alone or followed by <c>+</c> and anything
/// (<c>bounce+order1001@example.net</c>), whatever the domain:
/// <list type="table">
/// <item><term><c>bounce</c></term><description>550 5.1.1, the mailbox does not exist: the envelope bounces</description></item>
/// <item><term><c>full</c></term><description>552 5.2.2, the mailbox is full: the envelope bounces</description></item>
/// <item><term><c>defer</c></term><description>451 4.7.1, always: the envelope is tried again until its lifetime ends</description></item>
/// <item><term><c>complaint</c> and any other</term><description>accepted, and kept in the inbox</description></item>
/// </list>
/// </summary>
internal static class SandboxScript
{
    public static Reply For(MailPath recipient) => recipient.LocalPart.Split('+')[0].ToLowerInvariant() switch
    {
        "bounce" => new Reply(550, "5.1.1", "No such mailbox (the sandbox was asked to bounce)"),
        "full" => new Reply(552, "5.2.2", "Mailbox full (the sandbox was asked to be full)"),
        "defer" => new Reply(451, "4.7.1", "Try again later (the sandbox was asked to defer)"),
        _ => new Reply(250, "2.1.5", "OK"),
    };
}
