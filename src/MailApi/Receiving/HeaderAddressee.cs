using MailApi.Mail.Smtp.Listener;
using MimeKit;

namespace MailApi.Receiving;

/// <summary>Finds the address of ours that a message was sent to where no envelope tells it, in what servers write into it when they deliver.</summary>
internal sealed class HeaderAddressee(Addressees addressees)
{
    /// <summary>Nearest to the envelope first.</summary>
    private static readonly string[] Names = ["Delivered-To", "X-Original-To", "Envelope-To", "To"];

    private const int HeaderBytesMax = 64 * 1024;
    private const int AddressesMax = 20;

    /// <summary>An address that tells what the message is about; null where no field names one.</summary>
    /// <param name="message">Its octets.</param>
    /// <param name="isOwn">Whether who brings the message may speak for the address.</param>
    /// <param name="ct">Ends the look-ups.</param>
    public async Task<Addressee?> Of(ReadOnlyMemory<byte> message, Func<Addressee, bool> isOwn, CancellationToken ct)
    {
        foreach (var address in Addresses(message).Distinct(StringComparer.OrdinalIgnoreCase).Take(AddressesMax))
        {
            if (!MailPath.TryParse(address, out var path)) continue;
            var to = await addressees.Find(path, ct);
            if (to is (Addressee.ReturnPath or Addressee.Unsubscribe or Addressee.Reports) && isOwn(to)) return to;
        }
        return null;
    }

    private static IEnumerable<string> Addresses(ReadOnlyMemory<byte> message)
    {
        using var head = new MemoryStream(message[..Math.Min(message.Length, HeaderBytesMax)].ToArray(), writable: false);
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
