using System.Runtime.InteropServices;
using System.Text;
using MimeKit;
using MimeKit.Encodings;

namespace MailApi.Mail.Bounces;

/// <summary>A part of a message: its fields, where its octets are, and within which part it lies.</summary>
internal sealed class Part(ReadOnlyMemory<byte> message, string mediaType, ContentType type, FieldBlock fields, Part? parent)
{
    private const int DecodedBytesMax = 256 << 10;

    /// <summary>In lower case, <c>text/plain</c>.</summary>
    public string MediaType => mediaType;

    /// <summary>Of the part; of the outermost part of a message, all the message's.</summary>
    public FieldBlock Fields => fields;
    public Part? Parent => parent;
    public bool IsEnclosedMessage => parent is { MediaType: "message/rfc822" or "message/global" or "text/rfc822-headers" or "message/global-headers" or "message/news" };
    public long ContentBegin { get; set; }
    public long ContentEnd { get; set; } = message.Length;

    public string? Parameter(string name) => type.Parameters[name];

    public bool IsWithin(Part other)
    {
        for (var at = parent; at is not null; at = at.Parent)
            if (at == other) return true;
        return false;
    }

    /// <summary>The content without its transfer encoding, no more of it than is ever looked at.</summary>
    public byte[] Octets()
    {
        var begin = (int)Math.Clamp(ContentBegin, 0, message.Length);
        var content = message.Span[begin..(int)Math.Clamp(ContentEnd, begin, message.Length)];
        var encoding = fields["Content-Transfer-Encoding"]?.Trim().ToLowerInvariant();
        content = content[..Math.Min(content.Length, 2 * DecodedBytesMax)];
        IMimeDecoder? decoder = encoding switch
        {
            "base64" => new Base64Decoder(),
            "quoted-printable" => new QuotedPrintableDecoder(),
            "x-uuencode" or "uuencode" => new UUDecoder(),
            _ => null,
        };
        if (decoder is null) return content[..Math.Min(content.Length, DecodedBytesMax)].ToArray();
        var decoded = new byte[decoder.EstimateOutputLength(content.Length)];
        var length = decoder.Decode(content.ToArray(), 0, content.Length, decoded);
        return decoded[..Math.Min(length, DecodedBytesMax)];
    }

    public string Text() => Charsets.Decode(Octets(), type.Charset);
}

/// <summary>
/// What a message is made of, read in one pass that keeps no content: its parts in their order, the outermost first. Where it goes beyond what mail that
/// comes back has, reading stops, and what was read until then is what there is (S-23).
/// </summary>
internal sealed class Outline : MimeReader
{
    public const int OctetsMax = 25 << 20;
    public const int PartsMax = 100;
    public const int DepthMax = 16;

    /// <summary>Over all parts: the reader makes an object of each before it can be counted.</summary>
    private const int FieldsMax = 10 * FieldBlock.FieldsMax;

    /// <summary>The reader keeps a line of a header whole, and is slow with long ones; SMTP allows 998.</summary>
    private const int LineOctetsMax = 64 << 10;

    /// <summary>The longest header that is read: a folded field may be as long as the whole.</summary>
    private const int HeaderBytesMax = 256 << 10;

    private readonly ReadOnlyMemory<byte> message;
    private readonly List<Part> parts = [];
    private readonly Stack<Part> open = [];
    private List<Field> fields = [];
    private FieldBlock? ofWhole;
    private int fieldCount, fieldBytes;

    private Outline(ReadOnlyMemory<byte> message, Stream stream) : base(Bounds(), stream, MimeFormat.Entity) => this.message = message;

    /// <summary>Never empty: what cannot be read as a message is one part of plain text.</summary>
    public static IReadOnlyList<Part> Read(ReadOnlyMemory<byte> octets)
    {
        var parts = Read(Bounded(octets), header: null);
        // A multipart whose boundary the header does not name, or names wrongly, is one without parts: the boundary is where it begins.
        if (parts is not [{ MediaType: ['m', 'u', 'l', 't', 'i', 'p', 'a', 'r', 't', ..] } whole] || Boundary(whole.Text()) is not { } boundary) return parts;
        byte[] again = [.. Encoding.ASCII.GetBytes($"Content-Type: {whole.MediaType}; boundary=\"{boundary}\"\r\n\r\n"), .. whole.Octets()];
        var found = Read(again, whole.Fields);
        return found.Count > 1 ? found : parts;
    }

    private static List<Part> Read(ReadOnlyMemory<byte> octets, FieldBlock? header)
    {
        using var stream = Stream(octets);
        var outline = new Outline(octets, stream) { ofWhole = header };
        try
        {
            outline.ReadMessage(CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // A bound was reached.
        }
        catch (FormatException)
        {
            // What looked like a message ends in the midst of a header, or never was one.
        }
        if (outline.parts.Count == 0) outline.parts.Add(outline.Whole());
        return outline.parts;
    }

    protected override void OnHeaderRead(Header header, int beginLineNumber, CancellationToken cancellationToken)
    {
        fieldBytes += header.RawValue.Length;
        if (++fieldCount > FieldsMax || fieldBytes > 2 * HeaderBytesMax) throw new OperationCanceledException("Too much of a header.");
        if (fields.Count == FieldBlock.FieldsMax) return;
        var value = header.RawValue.AsSpan(0, Math.Min(header.RawValue.Length, FieldBlock.ValueCharsMax));
        fields.Add(new Field(header.Field, Charsets.DecodeField(value)));
    }

    protected override void OnMimePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Begin(contentType);

    protected override void OnMultipartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Begin(contentType);

    protected override void OnMessagePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Begin(contentType);

    protected override void OnMimePartContentBegin(long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
    {
        if (open.TryPeek(out var part)) part.ContentBegin = beginOffset;
    }

    protected override void OnMimePartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => End(headersEndOffset, endOffset);

    protected override void OnMultipartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => End(headersEndOffset, endOffset);

    protected override void OnMessagePartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => End(headersEndOffset, endOffset);

    private static ParserOptions Bounds()
    {
        var options = ParserOptions.Default.Clone();
        options.MaxMimeDepth = DepthMax;
        return options;
    }

    private static MemoryStream Stream(ReadOnlyMemory<byte> octets) => MemoryMarshal.TryGetArray(octets, out var array)
        ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
        : new MemoryStream(octets.ToArray(), writable: false);

    /// <summary>Up to the first line that is too long, the end of the size allowed, or, where the header has no end within its bound, that bound.</summary>
    private static ReadOnlyMemory<byte> Bounded(ReadOnlyMemory<byte> octets)
    {
        octets = octets[..Math.Min(octets.Length, OctetsMax)];
        var span = octets.Span;
        var at = 0;
        while (at < span.Length)
        {
            var length = span[at..].IndexOf((byte)'\n');
            if ((length < 0 ? span.Length - at : length) > LineOctetsMax) return octets[..(at + LineOctetsMax)];
            if (length < 0) break;
            at += length + 1;
        }
        var end = HeaderEnd(span);
        return end > HeaderBytesMax ? octets[..HeaderBytesMax] : octets;
    }

    private static int HeaderEnd(ReadOnlySpan<byte> raw)
    {
        var end = raw.IndexOf("\n\r\n"u8);
        var bare = raw[..(end < 0 ? raw.Length : end)].IndexOf("\n\n"u8);
        return bare >= 0 ? bare : end >= 0 ? end : raw.Length;
    }

    private static string? Boundary(string content)
    {
        ReadOnlySpan<char> rest = content;
        for (var lines = 0; rest.Length > 0 && lines < 100; lines++)
        {
            var line = FieldBlock.Line(ref rest).TrimEnd();
            if (line.Length is < 4 or > 72 || !line.StartsWith("--", StringComparison.Ordinal)) continue;
            var boundary = line[2..];
            if (!boundary.ContainsAny(" \"\\") && Ascii.IsValid(boundary) && rest.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)) return boundary.ToString();
        }
        return null;
    }

    private void Begin(ContentType type)
    {
        if (parts.Count == PartsMax) throw new OperationCanceledException("Too many parts.");
        open.TryPeek(out var parent);
        var part = new Part(message, type.MimeType.ToLowerInvariant(), type, (parts.Count == 0 ? ofWhole : null) ?? new FieldBlock(fields), parent);
        fields = [];
        parts.Add(part);
        open.Push(part);
    }

    private void End(long contentBegin, long contentEnd)
    {
        if (!open.TryPop(out var part)) return;
        if (part.ContentBegin == 0) part.ContentBegin = contentBegin;
        part.ContentEnd = contentEnd;
    }

    /// <summary>With the fields that were read before it went wrong.</summary>
    private Part Whole() => new(message, "text/plain", new ContentType("text", "plain"), new FieldBlock(fields), parent: null);
}
