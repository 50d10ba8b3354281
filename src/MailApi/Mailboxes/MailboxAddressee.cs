using MailApi.Mail.Mailboxes;
using MailApi.Mail.Smtp.Listener;
using MailApi.Receiving;
using MimeKit;

namespace MailApi.Mailboxes;

/// <summary>Finds the address of ours that a message in a mailbox was sent to, in what servers write into it when they deliver.</summary>
internal sealed class MailboxAddressee(Addressees addressees)
{
    /// <summary>Nearest to the envelope first.</summary>
    private static readonly string[] Names = ["Delivered-To", "X-Original-To", "Envelope-To", "To"];

    private const int HeaderBytesMax = 64 * 1024;
    private const int AddressesMax = 20;

    /// <summary>An address of the mailbox's domain that tells what the message is about; null where no field names one.</summary>
    public async Task<Addressee?> Of(Mailbox mailbox, byte[] message, CancellationToken ct)
    {
        foreach (var address in Addresses(message).Distinct(StringComparer.OrdinalIgnoreCase).Take(AddressesMax))
        {
            if (!MailPath.TryParse(address, out var path)) continue;
            var to = await addressees.Find(path, ct);
            if (to is (Addressee.ReturnPath or Addressee.Unsubscribe or Addressee.Reports) && to.Domain.Id == mailbox.Domain) return to;
        }
        return null;
    }

    private static IEnumerable<string> Addresses(byte[] message)
    {
        using var head = new MemoryStream(message, 0, Math.Min(message.Length, HeaderBytesMax), writable: false);
        HeaderList fields;
        try
        {
            fields = HeaderList.Load(head, CancellationToken.None);
        }
        catch (FormatException)
        {
            return [];
        }
        return from name in Names
               from field in fields
               where field.Field.Equals(name, StringComparison.OrdinalIgnoreCase)
               from address in InternetAddressList.TryParse(field.Value, out var list) ? list.Mailboxes : []
               select address.Address;
    }
}
