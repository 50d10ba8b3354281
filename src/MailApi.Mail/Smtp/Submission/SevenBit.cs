using System.Text;
using System.Text.Unicode;
using MimeKit;

namespace MailApi.Mail.Smtp.Submission;

/// <summary>Makes a body that is not 7-bit one that any server passes on unchanged (RFC 6152 §3, RFC 2045 §2.7), so that its signature holds.</summary>
internal static class SevenBit
{
    /// <summary>Parts inside parts; what is nested deeper is encoded as it stands.</summary>
    private const int DepthMax = 32;

    private static readonly ParserOptions Parsing = new() { MaxMimeDepth = DepthMax, CharsetEncoding = Encoding.UTF8 };
    private static readonly FormatOptions Writing = WritingOptions();

    /// <summary>ASCII without NUL (RFC 5322 §2.3).</summary>
    public static bool Is(ReadOnlySpan<byte> octets) => Ascii.IsValid(octets) && !octets.Contains((byte)0);

    /// <summary>The entity, its <c>Content-…</c> fields first; what is 7-bit in it stays as it is.</summary>
    /// <param name="fields">The message's <c>Content-…</c> fields.</param>
    /// <param name="body">What follows its header.</param>
    /// <returns>Null where that cannot be, as in a part whose octets are signed.</returns>
    public static byte[]? Entity(IEnumerable<SubmittedField> fields, ReadOnlyMemory<byte> body)
    {
        using var whole = new MemoryStream();
        foreach (var field in fields) whole.Write(field.Octets.Span);
        whole.Write("\r\n"u8);
        whole.Write(body.Span);
        whole.Position = 0;

        using var entity = MimeEntity.Load(Parsing, whole);
        Label(entity, body.Span);
        entity.Prepare(EncodingConstraint.SevenBit);
        Encode(entity, DepthMax);
        using var octets = new MemoryStream();
        entity.WriteTo(Writing, octets);
        return Is(octets.GetBuffer().AsSpan(0, (int)octets.Length)) ? octets.ToArray() : null;
    }

    /// <summary>A text that does not say in what it is written, and is UTF-8, is that; a reader would have to guess.</summary>
    private static void Label(MimeEntity entity, ReadOnlySpan<byte> body)
    {
        if (entity is TextPart { ContentType.Charset: null } text && Utf8.IsValid(body)) text.ContentType.Charset = "utf-8";
    }

    /// <summary>The fields of parts: a file name in UTF-8 becomes one by RFC 2231, other text encoded words.</summary>
    private static void Encode(MimeEntity entity, int depth)
    {
        Encode(entity.Headers);
        if (depth == 0) return;
        if (entity is Multipart multipart)
            foreach (var part in multipart) Encode(part, depth - 1);
        if (entity is not MessagePart { Message: { } message }) return;
        Encode(message.Headers);
        if (message.Body is not null) Encode(message.Body, depth - 1);
    }

    private static void Encode(HeaderList headers)
    {
        foreach (var header in headers.Where(header => !Ascii.IsValid(header.RawValue)).ToList())
        {
            try
            {
                header.SetValue(Writing, Encoding.UTF8, header.Value);
            }
            catch (FormatException)
            {
                // One that breaks its own syntax has no value to encode.
            }
            // It says nothing to readers, and does so as text, too.
            if (!Ascii.IsValid(header.RawValue)) header.SetRawValue(new Header(Encoding.UTF8, "X-" + header.Field, header.Value).RawValue);
        }
    }

    private static FormatOptions WritingOptions()
    {
        var options = FormatOptions.Default.Clone();
        options.NewLineFormat = NewLineFormat.Dos;
        options.ParameterEncodingMethod = ParameterEncodingMethod.Rfc2231;
        return options;
    }
}
