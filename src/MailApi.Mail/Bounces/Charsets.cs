using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace MailApi.Mail.Bounces;

/// <summary>Octets to text, in the character sets that mail is still written in. What cannot be read becomes U+FFFD; nothing throws.</summary>
internal static class Charsets
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly Encoding? StrictGb18030 = Find("gb18030", DecoderFallback.ExceptionFallback);

    /// <summary>In the character set that is named. Where none is, or a wrong one: UTF-8, else what Chinese systems write, else Latin-1.</summary>
    public static string Decode(ReadOnlySpan<byte> octets, string? charset)
    {
        if (charset is not null && !IsCommonMistake(charset) && Find(charset, DecoderFallback.ReplacementFallback) is { } named) return Read(named, octets) ?? Encoding.Latin1.GetString(octets);
        return Read(StrictUtf8, octets) ?? (StrictGb18030 is null ? null : Read(StrictGb18030, octets)) ?? Encoding.Latin1.GetString(octets);
    }

    /// <summary>A header field's value: unfolded, with its encoded words (RFC 2047) read, and octets that no field may hold taken for text.</summary>
    public static string DecodeField(ReadOnlySpan<byte> value)
    {
        var text = Decode(value, charset: null);
        return Words(text.ReplaceLineEndings("").Trim());
    }

    /// <summary>Text with its encoded words read.</summary>
    public static string Words(string text)
    {
        if (!text.Contains("=?", StringComparison.Ordinal)) return text;
        try
        {
            return Rfc2047.DecodeText(ParserOptions.Default, Encoding.UTF8.GetBytes(text));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or NotSupportedException)
        {
            return text;
        }
    }

    /// <summary>Labels that say less than they seem to: what is 8-bit under them is something else.</summary>
    private static bool IsCommonMistake(string charset) => charset.ToLowerInvariant() is "us-ascii" or "ascii" or "utf-8" or "utf8" or "default" or "unknown-8bit" or "unknown" or "binary" or "7bit" or "8bit";

    private static Encoding? Find(string charset, DecoderFallback onError)
    {
        try
        {
            // GBK and GB2312 are parts of GB18030, and mail labelled as the smaller ones often holds characters of the larger.
            var name = charset.ToLowerInvariant() is "gbk" or "gb2312" or "gb_2312-80" or "cp936" or "x-gbk" ? "gb18030" : charset;
            return Encoding.GetEncoding(name, EncoderFallback.ReplacementFallback, onError);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    private static string? Read(Encoding encoding, ReadOnlySpan<byte> octets)
    {
        try
        {
            return encoding.GetString(octets);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
