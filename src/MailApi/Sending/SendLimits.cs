using MailApi.Api;

namespace MailApi.Sending;

/// <summary>The bounds of a <c>POST /send</c>; over one of them the answer is 413 (octets), 400 (tokens) or 422 (everything else).</summary>
public static class SendLimits
{
    /// <summary>Of the JSON body: a message of <see cref="MessageBytesMax"/> in base64, with room for the rest.</summary>
    public const long BodyBytesMax = 40L << 20;

    /// <summary>Up to here a body that is too large is read and thrown away, so that its sender gets the answer and not a closed connection.</summary>
    public const long BodyBytesDrainedMax = 2 * BodyBytesMax;

    /// <summary>Names, values and brackets of a body that is larger than <see cref="BodyMemory.FreeOctets"/>; all other bounds together leave less.</summary>
    public const int JsonTokensMax = 10_000;

    /// <summary>Of the composed message.</summary>
    public const int MessageBytesMax = 25 << 20;
    public const int RecipientsMax = 1000;
    public const int ReplyToMax = 10;
    public const int SubjectCharsMax = 998;
    public const int TopicCharsMax = 64;
    public const int TagsMax = 50;
    public const int TagCharsMax = 128;
    public const int HeadersMax = 100;
    public const int HeaderCharsMax = 4096;
    public const int MetadataEntriesMax = 50;
    public const int MetadataKeyCharsMax = 64;
    public const int MetadataValueCharsMax = 512;
    public const int AttachmentsMax = 50;
    public const int FilenameCharsMax = 255;
    public const int MediaTypeCharsMax = 400;
    public const int IdempotencyKeyCharsMax = 256;

    /// <summary>How far ahead mail may be scheduled.</summary>
    public static readonly TimeSpan SendAtMax = TimeSpan.FromDays(3650);
}
