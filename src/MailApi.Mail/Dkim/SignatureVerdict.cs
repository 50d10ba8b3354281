using System.Text.Json.Serialization;
using MailApi.Mail.Authentication;

namespace MailApi.Mail.Dkim;

/// <summary>What one DKIM signature of a message is worth (RFC 8601 §2.7.1).</summary>
/// <param name="Domain">The signing domain, empty where the signature names none.</param>
/// <param name="Selector">Empty where the signature names none.</param>
/// <param name="Algorithm">Empty where the signature names none.</param>
/// <param name="Result"><c>pass, fail, neutral, permerror, temperror</c>.</param>
/// <param name="Reason">Why, when it did not pass.</param>
public sealed record SignatureVerdict(string Domain, string Selector, string Algorithm, AuthenticationResult Result,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Reason)
{
    // Of the results, fail: message and signature do not match, or it is too late. neutral: it could not be processed, or is to be ignored.
    // permerror: it cannot count, whatever the message. temperror: nobody knows at present.

    /// <summary>What to mend when it did not pass.</summary>
    internal SignatureFault Fault { get; init; }

    /// <summary>The key record has the flag <c>y</c> (RFC 6376 §3.6.1): its domain is testing DKIM.</summary>
    internal bool IsTesting { get; init; }

    /// <summary>Octets at the end of the body that <c>l=</c> leaves unsigned: anyone may have put them there.</summary>
    internal long UnsignedOctets { get; init; }

    /// <summary>TXT records found at the selector; there should be one (RFC 6376 §3.6.2.2).</summary>
    internal int KeyRecords { get; init; }
}

/// <summary>Why a signature did not pass, as far as the cure differs.</summary>
internal enum SignatureFault
{
    None,

    /// <summary>The field breaks the syntax, or asks for what nobody knows.</summary>
    Malformed,

    /// <summary>From is not among the signed fields (RFC 6376 §5.4).</summary>
    FromNotSigned,

    /// <summary>rsa-sha1, or a key of too few bits (RFC 8301).</summary>
    TooWeak,

    /// <summary>One too many in this message.</summary>
    NotTried,

    /// <summary>Made in the future by our clock.</summary>
    TooNew,
    Expired,

    /// <summary>The DNS gave no answer.</summary>
    LookupFailed,
    NoKey,
    KeyRevoked,

    /// <summary>The key record is unreadable.</summary>
    KeyMalformed,

    /// <summary>The key record forbids this use of the key.</summary>
    KeyUnfit,

    /// <summary>The body is another than was signed.</summary>
    BodyChanged,

    /// <summary>A signed field is another than was signed, or the published key another than the signer's.</summary>
    HeaderChanged,
}
