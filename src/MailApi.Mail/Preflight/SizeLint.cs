using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>The whole message as the wire counts it (RFC 1870), files in base64.</summary>
internal static class SizeLint
{
    /// <summary>Gmail, Yahoo and Outlook.com take 25 MB.</summary>
    private const int BytesMax = 25 * 1024 * 1024;
    private const int BytesPreferred = 10 * 1024 * 1024;

    public static Check MessageSize(RenderedMessage message)
    {
        var size = Sizes.Text(message.Raw.Length);
        if (message.Raw.Length > BytesMax)
            return Fail("messageSize", Size,
                $"The message takes {size} on the wire, where files grow by a third; Gmail, Yahoo and Outlook.com refuse more than {Sizes.Text(BytesMax)} (552 5.3.4).",
                "Send links instead of files.");
        return message.Raw.Length > BytesPreferred
            ? Warn("messageSize", Size, $"The message takes {size}; company servers often refuse more than {Sizes.Text(BytesPreferred)}.",
                "Send links instead of files.")
            : Pass("messageSize", Size, $"The message takes {size}.");
    }
}
