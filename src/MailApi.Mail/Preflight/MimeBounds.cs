using MimeKit;

namespace MailApi.Mail.Preflight;

/// <summary>
/// Reads a message through once without keeping any of it, and stops where it goes beyond what a mail that people write has: the tree is built
/// only of what is within.
/// </summary>
public sealed class MimeBounds : MimeReader
{
    public const int PartsMax = 100;
    public const int DepthMax = 16;

    /// <summary>Over all parts. Exchange refuses beyond 1,000 or so; the rest is for the parts.</summary>
    public const int FieldsMax = 2_000;

    /// <summary>More than any receiver takes (RFC 1870 limits are 25 to 150 MB).</summary>
    public const int OctetsMax = 64 * 1024 * 1024;

    /// <summary>The reader keeps a line of a header whole, and is slow with long ones; SMTP allows 998.</summary>
    private const int LineOctetsMax = 128 * 1024;

    private string? error;
    private int parts;
    private int fields;
    private int fieldBytes;
    private int depth;

    private MimeBounds(Stream message) : base(BoundedOptions(), message, MimeFormat.Entity)
    {
    }

    /// <summary>As for the tree itself. One more level is read than is allowed, so that going beyond is seen.</summary>
    public static ParserOptions BoundedOptions()
    {
        var options = ParserOptions.Default.Clone();
        options.MaxMimeDepth = DepthMax + 2;
        return options;
    }

    /// <summary>How the message goes beyond the bounds, or null when it is within.</summary>
    public static string? Error(byte[] raw)
    {
        if (raw.Length > OctetsMax) return $"It is larger than {OctetsMax / 1024 / 1024} MB.";
        if (LongestLine(raw) > LineOctetsMax) return $"It has a line longer than {LineOctetsMax / 1024} KB.";
        if (HeaderBytes(raw) > HeaderLint.HeaderBytesMax) return $"Its header is larger than {HeaderLint.HeaderBytesMax / 1024} KB.";
        using var stream = new MemoryStream(raw, writable: false);
        var reader = new MimeBounds(stream);
        try
        {
            reader.ReadMessage(CancellationToken.None);
            return null;
        }
        catch (OperationCanceledException)
        {
            return reader.error;
        }
        catch (FormatException)
        {
            return "Its header cannot be read.";
        }
    }

    protected override void OnHeaderRead(Header header, int beginLineNumber, CancellationToken cancellationToken)
    {
        if (++fields > FieldsMax) Stop($"It has more than {FieldsMax} header lines.");
        if ((fieldBytes += header.RawValue.Length) > HeaderLint.HeaderBytesMax) Stop($"The headers of its parts are larger than {HeaderLint.HeaderBytesMax / 1024} KB.");
    }

    protected override void OnMimePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Count();

    protected override void OnMultipartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Enter();

    protected override void OnMessagePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Enter();

    protected override void OnMultipartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => depth--;

    protected override void OnMessagePartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => depth--;

    private static int LongestLine(ReadOnlySpan<byte> raw)
    {
        var longest = 0;
        while (raw.IndexOf((byte)'\n') is >= 0 and var end)
        {
            longest = Math.Max(longest, end);
            raw = raw[(end + 1)..];
        }
        return Math.Max(longest, raw.Length);
    }

    /// <summary>Up to the empty line; what follows a header that is too long is not looked for.</summary>
    private static int HeaderBytes(ReadOnlySpan<byte> raw)
    {
        var end = raw.IndexOf("\n\r\n"u8);
        var bare = raw[..(end < 0 ? raw.Length : end)].IndexOf("\n\n"u8);
        return bare >= 0 ? bare : end >= 0 ? end : raw.Length;
    }

    private void Enter()
    {
        Count();
        if (++depth > DepthMax) Stop($"Its parts are nested more than {DepthMax} deep.");
    }

    private void Count()
    {
        if (++parts > PartsMax) Stop($"It has more than {PartsMax} parts.");
    }

    /// <summary>The one way out of the reader's loop.</summary>
    private void Stop(string reason)
    {
        error = reason;
        throw new OperationCanceledException(reason);
    }
}
