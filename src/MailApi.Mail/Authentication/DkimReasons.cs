using MailApi.Mail.Dkim;

namespace MailApi.Mail.Authentication;

/// <summary>Says of each signature what it is worth, what to do, and whether DMARC counts it.</summary>
internal sealed class DkimReasons(DmarcVerdict dmarc, IReadOnlyList<SignatureVerdict> dkim)
{
    public IEnumerable<string> Sentences()
    {
        if (dkim.Count == 0) yield return Unsigned();
        for (var i = 0; i < Math.Min(dkim.Count, Verifier.SignaturesMax); i++)
        {
            yield return Sentence(dkim[i], i < dmarc.SignersAligned.Count ? dmarc.SignersAligned[i] : null);
        }
        if (dkim.Count > Verifier.SignaturesMax)
            yield return $"The message has {dkim.Count} DKIM signatures; receivers look at the first few, here {Verifier.SignaturesMax}. Sign once with each key.";
    }

    private string Unsigned() => dmarc.Domain.Length == 0
        ? "DKIM (none): the message is not signed. Have the server that sends it sign it."
        : $"DKIM (none): the message is not signed. Keys that stand in the DNS say nothing for a message that carries no signature; have the server that sends it sign it for {dmarc.Domain}.";

    private string Sentence(SignatureVerdict signature, bool? aligned)
    {
        var who = signature.Domain.Length == 0 ? "a signature" : $"the signature of {signature.Domain} (selector {signature.Selector})";
        if (signature.Result != AuthenticationResult.Pass)
            return $"DKIM ({signature.Result.Word()}): {who} does not count: {signature.Reason}. {Cure(signature)}{(aligned == false ? Misaligned(signature, "And even a good one would not count for DMARC") : "")}".TrimEnd();
        var notes = string.Concat(Notes(signature));
        return aligned switch
        {
            true => $"DKIM (pass): {who} holds, and {signature.Domain} {(signature.Domain == dmarc.Domain ? "is the From domain" : $"belongs to the organization of {dmarc.Domain}")}: it counts for DMARC.{notes}",
            false => $"DKIM (pass): {who} holds. {Misaligned(signature, "But it does not count for DMARC")}{notes}",
            null => $"DKIM (pass): {who} holds.{notes}",
        };
    }

    private string Misaligned(SignatureVerdict signature, string what) => dmarc.Walk?.Policy?.Record.StrictDkim == true
        ? $"{what}: the From address is at {dmarc.Domain}, and the DMARC record wants the same name (adkim=s). Sign with d={dmarc.Domain}, or take adkim=s out of the record."
        : $"{what}: {signature.Domain} and the From address's {dmarc.Domain} are not of one organization. Sign with d={dmarc.Domain}.";

    private static IEnumerable<string> Notes(SignatureVerdict signature)
    {
        if (signature.IsTesting) yield return " The key is published as a test (t=y), which allows receivers to ignore it: take t=y out of the record.";
        if (signature.UnsignedOctets > 0)
            yield return $" It leaves the last {signature.UnsignedOctets} octets of the text unsigned (l=), where anyone can have added something: sign without l=.";
        if (signature.KeyRecords > 1) yield return $" {signature.KeyRecords} TXT records stand at its selector, and receivers may pick a wrong one: leave one.";
    }

    private static string Cure(SignatureVerdict signature)
    {
        var name = $"{signature.Selector}._domainkey.{signature.Domain}";
        return signature.Fault switch
        {
            SignatureFault.Malformed or SignatureFault.FromNotSigned => "Correct the program that signs.",
            SignatureFault.TooWeak => "Sign with rsa-sha256 and a key of 2,048 bits.",
            SignatureFault.TooNew => "Set the clock of the server that signs.",
            SignatureFault.Expired => "Deliver sooner, or let signatures hold longer (x=).",
            SignatureFault.LookupFailed => "Try again later; if it lasts, ask whoever runs the name servers.",
            SignatureFault.NoKey => $"Publish the key as a TXT record at {name}, or sign with a key that is published. During a rotation the old record stays until the last mail signed with it has arrived.",
            SignatureFault.KeyRevoked => $"The owner withdrew the key at {name}: sign with the one that replaced it.",
            SignatureFault.KeyMalformed => $"Correct the TXT record at {name}: copy it whole, the strings of a long key one after the other.",
            SignatureFault.KeyUnfit => $"Correct the TXT record at {name}, or sign with another key.",
            SignatureFault.BodyChanged => "The text was changed after it was signed, by a footer, a virus scanner or a relay: sign last, after everything that changes text.",
            SignatureFault.HeaderChanged => $"A signed header field was changed on the way, or the key at {name} is not the one that signed: sign last, and compare the keys.",
            _ => "",
        };
    }
}
